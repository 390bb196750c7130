import { z } from 'zod';
import {
  type EmbeddingPlan,
  embeddingPlanSchema,
  type ImageToEmbed,
  imageToEmbedSchema,
  type KnownRow,
  knownRowSchema,
  type RejectedName,
  rejectedImageSchema,
  type ShardOutcome,
  shardOutcomeSchema,
} from '../../contracts/embedding.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import { jsonBytes, parseJson, readJson, type Store } from '../../store/index.ts';

/** The files that an embedding works with, in the folder of its step, until they are gathered. */

const folderOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/embedding`;
const numbered = (number: number) => String(number).padStart(5, '0');

/** The folder of a plan, by the digest of what it is for: a changed plan does not find what became of another's shards. */
export const planFolder = (key: StepKey, digest: string): string => `${folderOf(key)}/${digest.slice(0, 32)}`;

export const shardListPath = (folder: string, shard: number): string => `${folder}/shard-${numbered(shard)}.jsonl`;
const rowListPath = (folder: string, list: number) => `${folder}/rows-${numbered(list)}.jsonl`;
const outcomePath = (folder: string, shard: number) => `${folder}/outcome-${numbered(shard)}.json`;
const planPath = (folder: string) => `${folder}/plan.json`;
const rejectedPath = (folder: string) => `${folder}/rejected.jsonl`;

export const linesOf = (values: readonly object[]): Uint8Array =>
  new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

async function readLines<T>(store: Store, path: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = new TextDecoder()
    .decode(await store.read(path))
    .split('\n')
    .slice(0, -1);
  return lines.map((line, at) => {
    const read = schema.safeParse(parseJson(new TextEncoder().encode(line)));
    if (read.success) return read.data;
    throw new ContrailError(
      'CorruptArtifact',
      `${store.locate(path)}:${at + 1} is damaged (${z.prettifyError(read.error)}). \`contrail retry\` makes the list again.`,
    );
  });
}

export const writeRows = (store: Store, folder: string, list: number, rows: readonly KnownRow[]): Promise<void> =>
  store.write(rowListPath(folder, list), linesOf(rows));
export const readRowList = (store: Store, folder: string, list: number): Promise<KnownRow[]> =>
  readLines(store, rowListPath(folder, list), knownRowSchema);

export const writeShardList = (
  store: Store,
  folder: string,
  shard: number,
  images: readonly ImageToEmbed[],
): Promise<void> => store.write(shardListPath(folder, shard), linesOf(images));
/** The images of a shard. @throws ContrailError CorruptArtifact */
export const readShardList = (store: Store, path: string): Promise<ImageToEmbed[]> =>
  readLines(store, path, imageToEmbedSchema);

export const writeRejected = (store: Store, folder: string, rejected: readonly RejectedName[]): Promise<void> =>
  store.write(rejectedPath(folder), linesOf(rejected));
export const readRejected = (store: Store, folder: string): Promise<RejectedName[]> =>
  readLines(store, rejectedPath(folder), rejectedImageSchema);

/** Written last: a folder with a plan is whole. */
export const writePlan = (store: Store, folder: string, plan: EmbeddingPlan): Promise<void> =>
  store.write(planPath(folder), jsonBytes(embeddingPlanSchema.parse(plan)));

/** @throws ContrailError CorruptArtifact where it is gone or damaged */
export async function readPlan(store: Store, folder: string): Promise<EmbeddingPlan> {
  const plan = await readJson(store, planPath(folder), {
    schema: embeddingPlanSchema,
    what: 'the plan of an embedding',
    remedy: '`contrail retry` makes it again.',
  });
  if (plan) return plan;
  throw new ContrailError(
    'CorruptArtifact',
    `${store.locate(planPath(folder))} is gone. \`contrail retry\` makes it again; what was embedded is taken over.`,
  );
}

export const writeOutcome = (store: Store, folder: string, shard: number, outcome: ShardOutcome): Promise<void> =>
  store.write(outcomePath(folder, shard), jsonBytes(shardOutcomeSchema.parse(outcome)));

/** What became of a shard; null where it is still to be done. @throws ContrailError CorruptArtifact */
export const readOutcome = (store: Store, folder: string, shard: number): Promise<ShardOutcome | null> =>
  readJson(store, outcomePath(folder, shard), {
    schema: shardOutcomeSchema,
    what: 'the outcome of a shard',
    remedy: 'Remove it: the shard is then done again.',
  });

/** Removes what an embedding worked with. */
export async function removeFiles(store: Store, key: StepKey): Promise<void> {
  for (const { path } of await store.list(folderOf(key))) await store.remove(path);
}
