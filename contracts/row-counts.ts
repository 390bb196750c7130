/** Whether the shards of an artifact have as many rows as it says; memory is taken by that number. */
export const countsItsRows = ({
  count,
  shards,
}: {
  readonly count: number;
  readonly shards: readonly { readonly count: number }[];
}): boolean => shards.reduce((sum, shard) => sum + shard.count, 0) === count;
export const wrongCount = { path: ['count'], message: 'must be the number of rows of all shards' };
