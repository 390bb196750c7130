import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { indexAgain } from '../../contracts/index-again.ts';
import type { IndexAbout } from '../../contracts/vector-index.ts';
import { visible } from '../../contracts/visible-text.ts';
import { emptyArtifact, loadForgotten, type Store } from '../../store/index.ts';
import { eachRow, type ShardSource } from '../shards.ts';

/**
 * Empties an index that was just written where an image of what it was made of has been forgotten: whoever forgets one looks for what
 * holds it once that is recorded, and may not have seen this. One of the two finds it, as the index is there before it is looked.
 *
 * @param from what it was made of
 * @throws ContrailError RunFailed where that is so
 */
export async function emptyIfForgotten(
  store: Store,
  index: ArtifactRef,
  { shards, graph }: Pick<IndexAbout, 'shards' | 'graph'>,
  from: readonly ShardSource[],
): Promise<void> {
  const forgotten = new Map(
    (await loadForgotten(store)).flatMap(({ sources, at }) => sources.map((source) => [source, at] as const)),
  );
  if (forgotten.size === 0) return;
  const find = async (source: ShardSource) => {
    for await (const { row } of eachRow(store, source)) {
      const at = forgotten.get(row.source);
      if (at !== undefined) return { name: row.name, at };
    }
    return null;
  };
  const held = await find({ ref: index, shards });
  // A graph keeps vectors of rows that are no longer in it.
  const known = held ?? (graph ? await firstFound(from, find) : null);
  if (!known) return;
  const ofRows = shards.flatMap(({ vectors, pictures }) => [vectors, ...(pictures === undefined ? [] : [pictures])]);
  const files = [...(held ? ofRows : []), ...(graph ? [graph.file] : [])];
  await emptyArtifact(store, index, { files, at: known.at });
  throw new ContrailError(
    'RunFailed',
    `${visible(known.name)} was forgotten while the index was made of it, so nothing was changed. To have an index without it, ${indexAgain()}.`,
  );
}

async function firstFound<T, R>(items: readonly T[], find: (item: T) => Promise<R | null>): Promise<R | null> {
  for (const item of items) {
    const found = await find(item);
    if (found !== null) return found;
  }
  return null;
}
