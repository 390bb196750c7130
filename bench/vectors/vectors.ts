import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProgram } from '../../native/programs.ts';
import { withFolder } from '../folder.ts';
import { clustersFor, writeVectors } from './made-vectors.ts';
import type { OursRequest } from './ours.ts';

export interface VectorsRow {
  readonly who: string;
  readonly vectors: number;
  /** Of the graph alone, by as many threads as the machine has processors. */
  readonly buildSeconds: number | null;
  /** What they took of the processors for it, which says more on a busy machine. */
  readonly buildProcessorSeconds: number | null;
  /** With copying, true neighbours, and the look for every row. */
  readonly allSeconds: number | null;
  readonly fileMiB: number | null;
  /** Of the process that builds and searches. */
  readonly peakMiB: number;
  readonly expansionSearch: number | null;
  readonly recall: number;
  /** One query after the other. */
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** All queries in one search. */
  readonly batchPerSecond: number | null;
}

const dimension = 512;
const queryCount = 1000;
const [k, wanted] = [10, 0.95];
const [connectivity, expansionAdd] = [16, 128];

const ways: Readonly<Record<string, Pick<OursRequest, 'method' | 'quantization'>>> = {
  'Contrail, f32': { method: 'approximate', quantization: 'f32' },
  'Contrail, f16': { method: 'approximate', quantization: 'f16' },
  'Contrail, i8': { method: 'approximate', quantization: 'i8' },
  'Contrail, exact': { method: 'exact', quantization: 'f32' },
};

const measuredSchema = z.looseObject({
  seconds: z.number(),
  graphSeconds: z.number().nullable(),
  graphProcessorSeconds: z.number().nullable(),
  bytes: z.number().nullable(),
  peakMiB: z.number(),
  expansionSearch: z.number().nullable(),
  recall: z.number(),
  batch: z.number().optional(),
  times: z.array(z.number()),
});

/**
 * Our index beside faiss's HNSW with the same graph, on the same clustered vectors; queries are not in the index. Each row is told
 * as it comes: a million vectors take an hour.
 *
 * @param only leaves out our rows whose name does not hold it; all where empty
 */
export async function benchVectors(python: string, vectors: number, only: string): Promise<VectorsRow[]> {
  return withFolder(async (folder) => {
    const clusters = clustersFor(vectors);
    const base = { count: vectors, dimension, seed: 1, clusters };
    await writeVectors(join(folder, 'base.npy'), base);
    await writeVectors(join(folder, 'queries.npy'), { ...base, count: queryCount, seed: 2 });
    const threads = availableParallelism();
    const faiss = measuredSchema.parse(
      JSON.parse(
        await runProgram(python, [
          fileURLToPath(new URL('faiss_hnsw.py', import.meta.url)),
          ...[folder, ...[threads, k, wanted, connectivity, expansionAdd].map(String)],
        ]),
      ),
    );
    const rows: VectorsRow[] = [];
    const add = (row: VectorsRow) => {
      rows.push(row);
      process.stderr.write(`index: ${JSON.stringify(row)}\n`);
    };
    add(rowOf('faiss HNSW, f32', vectors, faiss));
    for (const [who, how] of Object.entries(ways)) if (who.includes(only)) add(await ours(who, how));
    return rows;

    async function ours(who: string, how: (typeof ways)[string]): Promise<VectorsRow> {
      const request: OursRequest = {
        folder,
        base,
        threads,
        k,
        minimumRecall: wanted,
        connectivity,
        expansionAdd,
        ...how,
      };
      const [runner, program] = ['../../native/run.mjs', './ours.ts'].map((path) =>
        fileURLToPath(new URL(path, import.meta.url)),
      ) as [string, string];
      const printed = await runProgram(process.execPath, [runner, program, JSON.stringify(request)]);
      return rowOf(who, vectors, measuredSchema.parse(JSON.parse(printed)));
    }
  });
}

function rowOf(who: string, vectors: number, measured: z.infer<typeof measuredSchema>): VectorsRow {
  const {
    seconds,
    graphSeconds,
    graphProcessorSeconds,
    bytes,
    peakMiB,
    expansionSearch,
    recall,
    batch = null,
  } = measured;
  const times = measured.times.toSorted((a, b) => a - b);
  const quantile = (share: number) => 1000 * (times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0);
  return {
    who,
    vectors,
    buildSeconds: graphSeconds,
    buildProcessorSeconds: graphProcessorSeconds,
    allSeconds: seconds,
    fileMiB: bytes === null ? null : bytes / 2 ** 20,
    peakMiB,
    expansionSearch,
    recall,
    queriesPerSecond: times.length / times.reduce((sum, each) => sum + each, 0),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    batchPerSecond: batch,
  };
}
