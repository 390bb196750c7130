import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type IndexAbout, type IndexJobResult, indexAboutSchema, type Removal } from '../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { readAbout, type Store } from '../../store/index.ts';
import { checkedFile } from '../checked-file.ts';
import { readKeys } from '../graph/keys.ts';
import { requireEncoder } from '../require-encoder.ts';
import type { NamedRows } from './build-index.ts';
import { changedRows } from './changed-rows.ts';
import type { GraphBefore } from './fill-graph.ts';
import type { BuildOptions } from './progress.ts';
import { removedRows } from './removed-rows.ts';
import { type RowSource, rowsOf } from './rows.ts';
import { noneTold } from './told.ts';
import { unusableRows } from './unusable-rows.ts';
import { methodFor, type WrittenIndex, writeIndex } from './write-index.ts';

/**
 * An index that was changed, which is another one; the same where nothing was to be changed. Images that an earlier version had let into
 * the index and that cannot be searched count as removed.
 */
export type ChangedIndex = WrittenIndex & IndexJobResult;

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
  { prefix, ...options }: NamedRows & BuildOptions = {},
): Promise<ChangedIndex> {
  const about = await readAbout(store, index, indexAboutSchema);
  const { shards, dimension, encoder } = await readAbout(store, vectors, vectorsAboutSchema);
  requireEncoder(about, encoder, 'what is added');
  const coming = { ref: vectors, shards, dimension, prefix };
  const unusable = await unusableRows(store, coming);
  const { outdated, fresh, ...counts } = await changedRows(
    store,
    { ref: index, shards: about.shards },
    { ...coming, keep: (row) => !unusable.rows.has(row) },
  );
  const { added, replaced } = counts;
  const told = { ...counts, unusable: unusable.told };
  if (fresh.size === 0) return { index, about, ...told, removed: 0 };
  const fromNew = { ...coming, keep: (row: number) => fresh.has(row) };
  const changed = await rewritten(store, index, about, outdated, [fromNew], { added, replaced, removed: 0 }, options);
  return { ...told, ...changed };
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
  const counts = { added: 0, replaced: 0, removed: gone.size };
  const changed = await rewritten(store, index, about, gone, [], counts, options);
  return { ...counts, ...changed, unchanged: 0, otherFiles: noneTold, sameName: noneTold, unusable: noneTold };
}

/** The index without some of its rows, and without those that nothing can be compared with; and with the rows of other sources after them. */
async function rewritten(
  store: Store,
  index: ArtifactRef,
  about: IndexAbout,
  outdated: ReadonlySet<number>,
  more: readonly RowSource[],
  counts: Omit<NonNullable<IndexAbout['parent']>, 'digest'>,
  options: BuildOptions,
): Promise<WrittenIndex & { readonly removed: number }> {
  const { encoder, dimension, settings, shards } = about;
  const own = { ref: index, shards, dimension };
  // Earlier versions let such into an index.
  const unusable = await unusableRows(store, { ...own, keep: (row) => !outdated.has(row) });
  const gone = new Set([...outdated, ...unusable.rows]);
  const rows = rowsOf(store, [{ ...own, keep: (row) => !gone.has(row) }, ...more]);
  if (rows.count === 0) throw noneLeft();
  const removed = counts.removed + unusable.rows.size;
  const parent = { digest: index.digest, ...counts, removed };
  const before = methodFor(rows.count, settings) === 'exact' ? null : await graphBefore(store, index, about, gone);
  return { ...(await writeIndex(store, rows, { encoder, dimension, settings, parent }, before, options)), removed };
}

const noneLeft = () =>
  new ContrailError(
    'InvalidInput',
    'That would remove every image of the index. Build another one with what should be in it.',
  );

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
