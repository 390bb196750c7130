import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type VectorRow, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { createArtifactWriter, openStore, readArtifact } from '../../store/index.ts';
import { type BuildPhase, buildIndex, openIndex, shardFiles } from '../../vectors/index.ts';
import { residentMebibytes } from '../memory-use.ts';
import { type MadeVectors, madeVectors } from './made-vectors.ts';

/** The process that builds and searches our index: one request as its argument, one JSON object as its answer. */
export interface OursRequest {
  readonly folder: string;
  readonly base: MadeVectors;
  readonly threads: number;
  readonly k: number;
  readonly minimumRecall: number;
  readonly connectivity: number;
  readonly expansionAdd: number;
  readonly quantization: 'f32' | 'f16' | 'i8';
  readonly method: 'approximate' | 'exact';
}

const { folder, base, threads, k, ...settings } = JSON.parse(process.argv[2] ?? '') as OursRequest;
const store = openStore(join(folder, 'store'));
const encoder = { kind: 'encoder' as const, digest: '0'.repeat(64) };

async function writeArtifact() {
  const writer = createArtifactWriter(store, 'vectors');
  const shards = [];
  let first = 0;
  for (const embeddings of madeVectors(base)) {
    const rows = Array.from(
      { length: embeddings.length / base.dimension },
      (_, at): VectorRow => ({
        name: `${first + at}.jpg`,
        source: String(first + at).padStart(64, '0'),
        brightness: 0.5,
        contrast: 0.5,
        saturation: 0.5,
      }),
    );
    const { shard, files } = shardFiles(shards.length, { embeddings, rows });
    for (const { path, content } of files) await writer.add(path, content);
    shards.push(shard);
    first += rows.length;
  }
  const of = { images: 'made', digest: '0'.repeat(64) };
  const { count, dimension } = base;
  return writer.finish(vectorsAboutSchema.parse({ encoder, dimension, count, of, shards, rejected: { count: 0 } }));
}

const npy = async (name: string) => {
  const bytes = await readFile(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset + 10 + bytes.readUInt16LE(8), bytes.byteOffset + bytes.byteLength);
};

const vectors = await writeArtifact();
const queries = new Float32Array(await npy('queries.npy'));
const truth = new Int32Array(await npy('truth.npy'));
const phases = new Map<BuildPhase, { from: number; to: number; before: number; spent: number }>();
const begun = performance.now();
const { index, about } = await buildIndex(store, vectors, settings, {
  threads,
  onProgress: ({ phase }) => {
    const now = performance.now();
    const { user, system } = process.cpuUsage();
    const spent = (user + system) / 1e6;
    const { from, before } = phases.get(phase) ?? { from: now, before: spent };
    phases.set(phase, { from, to: now, before, spent });
  },
});
const seconds = (performance.now() - begun) / 1000;
const graph = phases.get('graph');
const open = await openIndex(store, index);
const times: number[] = [];
let right = 0;
const count = queries.length / base.dimension;
for (let at = 0; at < count; at++) {
  const query = queries.slice(at * base.dimension, (at + 1) * base.dimension);
  const start = performance.now();
  const [hits] = await open.search(query, k);
  times.push((performance.now() - start) / 1000);
  const wanted = new Set(truth.subarray(at * k, (at + 1) * k));
  right += (hits ?? []).filter(({ row }) => wanted.has(row)).length;
}
const together = performance.now();
await open.search(queries, k);
const batchSeconds = (performance.now() - together) / 1000;
await open.close();
const { files } = await readArtifact(store, index);
process.stdout.write(
  `${JSON.stringify({
    seconds,
    graphSeconds: graph ? (graph.to - graph.from) / 1000 : null,
    graphProcessorSeconds: graph ? graph.spent - graph.before : null,
    bytes: files.find(({ path }) => path === about.graph?.file)?.bytes ?? null,
    peakMiB: residentMebibytes('peak'),
    expansionSearch: about.graph?.expansionSearch ?? null,
    measured: about.recall.value,
    recall: right / (count * k),
    batch: count / batchSeconds,
    times,
  })}\n`,
);
