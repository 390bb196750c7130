import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type IndexAbout, indexAboutSchema, type Removal } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { readAbout, type Store } from '../../store/index.ts';
import { checkedFile } from '../checked-file.ts';
import { readKeys } from '../graph/keys.ts';
import { requireEncoder } from '../require-encoder.ts';
import { changedRows } from './changed-rows.ts';
import type { GraphBefore } from './fill-graph.ts';
import type { BuildOptions } from './progress.ts';
import { removedRows } from './removed-rows.ts';
import { type RowSource, rowsOf } from './rows.ts';
import { methodFor, type WrittenIndex, writeIndex } from './write-index.ts';

/** An index that was changed, which is another one; the same where nothing was to be changed. */
export interface ChangedIndex extends WrittenIndex {
  readonly added: number;
  readonly replaced: number;
  readonly unchanged: number;
  readonly removed: number;
}

/**
 * Adds embedded images to an index, by the settings that it was built with. An image that it has already is not added twice; one of
 * the same name whose file, label or group has changed takes the place of the old one.
 *
 * @throws ContrailError InvalidInput for vectors of another encoder, and as `buildIndex` does
 */
export async function addToIndex(
  store: Store,
  index: ArtifactRef,
  vectors: ArtifactRef,
  options: BuildOptions = {},
): Promise<ChangedIndex> {
  const about = await readAbout(store, index, indexAboutSchema);
  const coming = await readAbout(store, vectors, vectorsAboutSchema);
  requireEncoder(about, coming.encoder, 'what is added');
  const { outdated, fresh, ...counts } = await changedRows(
    store,
    { ref: index, shards: about.shards },
    { ref: vectors, shards: coming.shards },
  );
  const { added, replaced } = counts;
  if (fresh.size === 0) return { index, about, ...counts, removed: 0 };
  const { shards, dimension } = coming;
  const fromNew = { ref: vectors, shards, dimension, keep: (row: number) => fresh.has(row) };
  const changed = await rewritten(store, index, about, outdated, [fromNew], { added, replaced, removed: 0 }, options);
  return { ...changed, ...counts, removed: 0 };
}

/**
 * Removes images from an index: those of the names, groups or labels.
 *
 * @throws ContrailError InvalidInput for a name, group or label that no row has, or where no row would be left
 */
export async function removeFromIndex(
  store: Store,
  index: ArtifactRef,
  which: Removal,
  options: BuildOptions = {},
): Promise<ChangedIndex> {
  const about = await readAbout(store, index, indexAboutSchema);
  const gone = await removedRows(store, { ref: index, shards: about.shards }, which);
  if (gone.size === about.count)
    throw new ContrailError(
      'InvalidInput',
      'That would remove every image of the index. Build another one with what should be in it.',
    );
  const counts = { added: 0, replaced: 0, removed: gone.size };
  return { ...(await rewritten(store, index, about, gone, [], counts, options)), ...counts, unchanged: 0 };
}

/** The index without some of its rows, and with the rows of other sources after them. */
async function rewritten(
  store: Store,
  index: ArtifactRef,
  about: IndexAbout,
  gone: ReadonlySet<number>,
  more: readonly RowSource[],
  counts: Omit<NonNullable<IndexAbout['parent']>, 'digest'>,
  options: BuildOptions,
): Promise<WrittenIndex> {
  const { encoder, dimension, settings, shards } = about;
  const rows = rowsOf(store, [{ ref: index, shards, dimension, keep: (row) => !gone.has(row) }, ...more]);
  const parent = { digest: index.digest, ...counts };
  const before = methodFor(rows.count, settings) === 'exact' ? null : await graphBefore(store, index, about, gone);
  return writeIndex(store, rows, { encoder, dimension, settings, parent }, before, options);
}

async function graphBefore(
  store: Store,
  index: ArtifactRef,
  { graph, count }: IndexAbout,
  gone: ReadonlySet<number>,
): Promise<GraphBefore | null> {
  if (!graph) return null;
  const keys = await readKeys(store, index, graph.keys, count);
  const file = await checkedFile(store, index, graph.file);
  return { file, keys, kept: keys.filter((_, row) => !gone.has(row)), nodes: graph.nodes };
}
