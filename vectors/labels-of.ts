import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { IndexAbout } from '../contracts/vector-index.ts';
import type { Store } from '../store/index.ts';
import { eachRow } from './shards.ts';

/** How many rows of an index have each label; those without are left out. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function labelsOf(
  store: Store,
  ref: ArtifactRef,
  { shards }: Pick<IndexAbout, 'shards'>,
): Promise<ReadonlyMap<string, number>> {
  const labels = new Map<string, number>();
  for await (const { row } of eachRow(store, { ref, shards }))
    if (row.label !== undefined) labels.set(row.label, (labels.get(row.label) ?? 0) + 1);
  return labels;
}
