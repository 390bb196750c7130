import type { Unusable } from '../../contracts/vector-index.ts';
import type { Store } from '../../store/index.ts';
import { embeddingProblem } from '../direction.ts';
import { readShardRows, readVectors } from '../shards.ts';
import type { RowSource } from './rows.ts';
import { mostTold } from './told.ts';

/** Rows that cannot be in an index. */
export interface UnusableRows {
  readonly rows: ReadonlySet<number>;
  /** How many there are, and the first of them, for people. */
  readonly told: Unusable;
}

/**
 * Finds the rows whose embedding has no direction, or is none: no cosine with them is defined, a search for them finds anything, and a graph
 * cannot lead to them. One shard is in memory at a time.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function unusableRows(
  store: Store,
  { ref, shards, dimension, keep = () => true }: RowSource,
): Promise<UnusableRows> {
  const rows = new Set<number>();
  const first: { name: string; reason: string }[] = [];
  let from = 0;
  for (const shard of shards) {
    const vectors = await readVectors(store, ref, shard, dimension);
    const found: { readonly at: number; readonly reason: string }[] = [];
    for (let at = 0; at < shard.count; at++) {
      const reason = keep(from + at) ? embeddingProblem(vectors.subarray(at * dimension, (at + 1) * dimension)) : null;
      if (reason === null) continue;
      rows.add(from + at);
      found.push({ at, reason });
    }
    if (found.length > 0 && first.length < mostTold) {
      const known = await readShardRows(store, ref, shard);
      for (const { at, reason } of found.slice(0, mostTold - first.length))
        first.push({ name: known[at]?.name ?? '', reason });
    }
    from += shard.count;
  }
  return { rows, told: { count: rows.size, first } };
}
