import type { NamesTold } from '../../contracts/vector-index.ts';

/** Images that a person is told of by name. */
export const mostTold = 20;

export const noneTold = { count: 0, first: [] } as const satisfies NamesTold;

export const namesTold = (names: readonly string[]): NamesTold => ({
  count: names.length,
  first: names.slice(0, mostTold),
});
