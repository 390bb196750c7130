import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { IndexAbout } from '../contracts/vector-index.ts';
import type { Store } from '../store/index.ts';
import { readShardRows } from './shards.ts';

/** How many rows of an index have each label; those without are left out. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function labelsOf(
  store: Store,
  ref: ArtifactRef,
  { shards }: Pick<IndexAbout, 'shards'>,
): Promise<ReadonlyMap<string, number>> {
  const labels = new Map<string, number>();
  for (const shard of shards)
    for (const { label } of await readShardRows(store, ref, shard))
      if (label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
  return labels;
}
