import type { EmbeddingPlan, KnownRow, RejectedName } from '../../contracts/embedding.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { EmbedImagesParameters, EmbedImagesResult } from '../../contracts/kinds/embed-images.ts';
import { type VectorsAbout, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { reasonsOf, sourcesOfPiece } from '../../datasets/index.ts';
import { createArtifactWriter, pathOfPiece, piecesIn, readAbout, removePiece, type Store } from '../../store/index.ts';
import { embeddingProblem } from '../direction.ts';
import { vectorShardWriter } from '../shard-writer.ts';
import { eachRow, type ShardContent } from '../shards.ts';
import { linesOf, readOutcome, readPlan, readRejected, readRowList, removeFiles } from './files.ts';
import { type EmbeddedImage, openKnown } from './known.ts';
import { requireUsable } from './plan.ts';
import { recordSet } from './sets.ts';
import { vectorRow } from './vector-row.ts';

/** The file that says which files could not be used. */
const rejectedFile = 'rejected.jsonl';

interface Gathering {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Puts the embeddings of all shards into one artifact, in the order of the images, whatever shard they were embedded in. One
 * file of it is in memory at a time. An image whose embedding nothing can be compared with is rejected.
 *
 * @throws ContrailError CorruptArtifact where an embedding is gone; InvalidDataset where no image could be used
 */
export async function gatherEmbedding(
  store: Store,
  folder: string,
  parameters: Pick<EmbedImagesParameters, 'pictures' | 'maximumRejected' | 'allowEmpty' | 'allowLost'>,
  { onProgress, signal }: Gathering,
): Promise<EmbedImagesResult> {
  const plan = await readPlan(store, folder);
  const reasons = await reasonsOfShards(store, folder, plan);
  const rejected: RejectedName[] = [...(await readRejected(store, folder))];
  const find = await createFind(store, plan.place);
  const writer = createArtifactWriter(store, 'vectors');
  try {
    const writing = vectorShardWriter(writer, plan.shardImages);
    let [count, dimension] = [0, 1];
    let gone: KnownRow | null = null;
    for (let list = 0; list < plan.rowLists; list++) {
      signal?.throwIfAborted();
      for (const row of await readRowList(store, folder, list)) {
        const reason = reasons.get(row.source);
        if (reason !== undefined) {
          rejected.push({ name: row.name, reason });
          continue;
        }
        const image = await find(row.source);
        if (!image) gone ??= row;
        // Where one is gone, the others are looked at all the same, so that the next plan counts on no damaged file.
        else if (!gone) {
          const problem = embeddingProblem(image.embedding);
          if (problem !== null) {
            rejected.push({ name: row.name, reason: problem });
            continue;
          }
          await writing.add(contentOf(row, image, parameters.pictures));
          count++;
          dimension = image.embedding.length;
        }
      }
      onProgress(Math.min(plan.rows, (list + 1) * plan.shardImages), plan.rows);
    }
    if (gone) throw lost(gone);
    const shards = await writing.finish();
    const of = 'images' in plan.of ? plan.of.images : 'the data set';
    requireUsable({ usable: count, rejected, of }, parameters);
    if (rejected.length > 0) await writer.add(rejectedFile, linesOf(rejected));
    const about: VectorsAbout = {
      encoder: plan.encoder,
      dimension,
      count,
      of: plan.of,
      shards: [...shards],
      rejected: { count: rejected.length, ...(rejected.length > 0 ? { list: rejectedFile } : {}) },
    };
    const ref = await writer.finish(about);
    return {
      vectors: { kind: 'vectors', digest: ref.digest },
      images: count,
      dimension,
      shards: shards.length,
      found: plan.found,
      rejected: rejected.length,
      ignored: plan.ignored,
      labels: plan.labels,
      reasons: reasonsOf(rejected.map(({ name, reason }) => ({ path: name, reason }))).map((each) => ({
        ...each,
        first: [...each.first],
      })),
    };
  } finally {
    await writer.discard();
  }
}

const contentOf = (row: KnownRow, { embedding, look, picture }: EmbeddedImage, pictures: boolean): ShardContent => ({
  embeddings: embedding,
  rows: [vectorRow(row, look)],
  pictures: pictures ? [picture ?? new Uint8Array()] : undefined,
});

/** To be called when the result is recorded: what it was gathered from is in it, and later embeddings take it from there. */
export async function endEmbedding(
  store: Store,
  key: StepKey,
  folder: string,
  vectors: EmbedImagesResult['vectors'],
): Promise<void> {
  if (!(await store.exists(`${folder}/plan.json`))) return;
  const plan = await readPlan(store, folder);
  await recordSet(store, plan.place, vectors, new Date());
  for (let shard = 0; shard < plan.shards; shard++) {
    const outcome = await readOutcome(store, folder, shard);
    if (outcome?.piece) await removePiece(store, plan.place, outcome.piece);
  }
  await removeGathered(store, plan.place, vectors);
  await removeFiles(store, key);
}

/**
 * Finds embeddings of a place. A damaged file is removed, and one that another embedding has gathered meanwhile is gone: what is
 * known is then opened anew, as the image may be elsewhere too.
 */
async function createFind(store: Store, place: string): Promise<(source: string) => Promise<EmbeddedImage | null>> {
  let known = await openKnown(store, place);
  return async (source) => {
    for (;;) {
      const image = await known.find(source);
      if (image || !known.has(source)) return image;
      await known.removeHolder(source);
      known = await openKnown(store, place);
    }
  };
}

/** Removes pieces that an embedding left which did not end, where the result holds all that is in them. */
async function removeGathered(store: Store, place: string, vectors: EmbedImagesResult['vectors']): Promise<void> {
  const pieces = await piecesIn(store, place);
  if (pieces.length === 0) return;
  const gathered = new Set<string>();
  const { shards } = await readAbout(store, vectors, vectorsAboutSchema);
  for await (const { row } of eachRow(store, { ref: vectors, shards })) gathered.add(row.source);
  for (const name of pieces) {
    const sources = await sourcesOfPiece(store, pathOfPiece(place, name));
    if (sources?.every((source) => gathered.has(source))) await removePiece(store, place, name);
  }
}

/** Why images of the shards were rejected, by source. */
async function reasonsOfShards(store: Store, folder: string, { shards }: EmbeddingPlan) {
  const reasons = new Map<string, string>();
  for (let shard = 0; shard < shards; shard++) {
    const outcome = await readOutcome(store, folder, shard);
    for (const { source, reason } of outcome?.rejected ?? []) reasons.set(source, reason);
  }
  return reasons;
}

const lost = ({ name }: KnownRow) =>
  new ContrailError(
    'CorruptArtifact',
    `The embedding of ${name} was made and is gone. Run the step again with \`contrail retry\`: what is left is taken over, and the rest embedded anew.`,
  );
