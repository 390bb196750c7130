import type { Shard } from './shards.ts';

/** Where a row is: in which shard, and at which place of it. */
export interface ShardPlace {
  readonly shard: number;
  readonly within: number;
}

/**
 * Finds where the rows of an artifact are. What it returns throws RangeError for a row that is not there.
 *
 * @param what the artifact is, for that error
 */
export function shardPlaces(shards: readonly Pick<Shard, 'count'>[], what: string): (row: number) => ShardPlace {
  const ends: number[] = [];
  for (const { count } of shards) ends.push((ends.at(-1) ?? 0) + count);
  return (row) => {
    if (!Number.isInteger(row) || row < 0 || row >= (ends.at(-1) ?? 0))
      throw new RangeError(`${what} has no row ${row}`);
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) > row) high = middle;
      else low = middle + 1;
    }
    return { shard: low, within: row - (low === 0 ? 0 : (ends[low - 1] as number)) };
  };
}
