/**
 * Clusters by average linkage (UPGMA; Sokal and Michener, 1958): the two clusters whose images are most alike on average become
 * one, until none are as alike as `least`. By chains of nearest neighbours (Murtagh, 1983), in the square of the images.
 *
 * @param similarities of all pairs, [count, count]; it is used up
 * @returns the clusters, the largest first, each with its images ascending
 */
export function averageLinkage(
  similarities: Float32Array,
  count: number,
  least: number,
): readonly (readonly number[])[] {
  const members: (number[] | null)[] = Array.from({ length: count }, (_, at) => [at]);
  const merges: { readonly a: number; readonly b: number; readonly similarity: number }[] = [];
  const chain: number[] = [];
  const alive = new Set(members.keys());
  while (alive.size > 1) {
    if (chain.length === 0) chain.push(alive.values().next().value as number);
    const top = chain.at(-1) as number;
    const before = chain.at(-2);
    // Of equals the one before, so that a chain comes to its end.
    let [best, highest] = [
      before ?? -1,
      before === undefined ? -Infinity : (similarities[top * count + before] as number),
    ];
    for (const other of alive)
      if (other !== top && (similarities[top * count + other] as number) > highest)
        [best, highest] = [other, similarities[top * count + other] as number];
    if (best !== before) {
      chain.push(best);
      continue;
    }
    chain.length -= 2;
    const [into, from] = [Math.min(top, best), Math.max(top, best)];
    merges.push({ a: into, b: from, similarity: highest });
    const [own, theirs] = [members[into]?.length ?? 0, members[from]?.length ?? 0];
    for (const other of alive) {
      if (other === into || other === from) continue;
      const joined =
        (own * (similarities[into * count + other] as number) +
          theirs * (similarities[from * count + other] as number)) /
        (own + theirs);
      similarities[into * count + other] = joined;
      similarities[other * count + into] = joined;
    }
    members[into] = [...(members[into] ?? []), ...(members[from] ?? [])];
    members[from] = null;
    alive.delete(from);
  }
  return clustersOf(merges, count, least);
}

/** Chains merge in an order of their own; similarities only fall from a cluster to what it becomes part of. */
function clustersOf(
  merges: readonly { readonly a: number; readonly b: number; readonly similarity: number }[],
  count: number,
  least: number,
): readonly (readonly number[])[] {
  const parent = Int32Array.from({ length: count }, (_, at) => at);
  const root = (at: number): number => {
    let top = at;
    while (parent[top] !== top) top = parent[top] as number;
    return top;
  };
  for (const { a, b, similarity } of merges) if (similarity >= least) parent[root(b)] = root(a);
  const clusters = new Map<number, number[]>();
  for (let at = 0; at < count; at++) {
    const own = clusters.get(root(at)) ?? [];
    own.push(at);
    clusters.set(root(at), own);
  }
  return [...clusters.values()].sort((x, y) => y.length - x.length || (x[0] as number) - (y[0] as number));
}
