/** A graph of steps by what each needs, in the order of the file. */
export type Needs = ReadonlyMap<string, readonly string[]>;

/** The steps in an order in which each comes after those it needs; ties by the order of the file. Cycles are left out. */
export function topologicalOrder(needs: Needs): string[] {
  const ids = [...needs.keys()];
  const index = new Map(ids.map((id, at) => [id, at]));
  /** How often one would have to go through the file to come to a step; null while that is being found out. */
  const rounds = new Map<string, number | null>();
  const roundOf = (id: string): number => {
    const known = rounds.get(id);
    if (known !== undefined) return known ?? Number.POSITIVE_INFINITY;
    rounds.set(id, null);
    const own = index.get(id) ?? 0;
    let round = index.has(id) ? 0 : Number.POSITIVE_INFINITY;
    for (const need of needs.get(id) ?? [])
      round = Math.max(round, roundOf(need) + ((index.get(need) ?? 0) > own ? 1 : 0));
    rounds.set(id, round);
    return round;
  };
  return ids
    .filter((id) => roundOf(id) < Number.POSITIVE_INFINITY)
    .sort((a, b) => roundOf(a) - roundOf(b) || (index.get(a) ?? 0) - (index.get(b) ?? 0));
}

/** One cycle for each set of steps that need each other, as the ids in order, ending where it began. */
export function findCycles(needs: Needs): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const places = new Map<string, number>();
  const visit = (id: string) => {
    if (finished.has(id)) return;
    const start = places.get(id);
    if (start !== undefined) {
      const members = trail.slice(start);
      cycles.push([...members, id]);
      for (const member of members) finished.add(member);
      return;
    }
    places.set(id, trail.push(id) - 1);
    for (const need of needs.get(id) ?? []) visit(need);
    trail.pop();
    places.delete(id);
    finished.add(id);
  };
  for (const id of needs.keys()) visit(id);
  return cycles;
}

/** The steps that a step needs, directly or through others, the nearest first: one list for each distance. */
export function* ancestorsByDistance(id: string, needs: Needs): Generator<string[]> {
  const seen = new Set([id]);
  for (let layer: readonly string[] = [id]; ; ) {
    const further: string[] = [];
    for (const each of layer)
      for (const need of needs.get(each) ?? [])
        if (!seen.has(need)) {
          seen.add(need);
          further.push(need);
        }
    if (further.length === 0) return;
    yield further;
    layer = further;
  }
}
