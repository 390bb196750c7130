/** A graph of steps by what each needs, in the order of the file. */
export type Needs = ReadonlyMap<string, readonly string[]>;

/** The steps in an order in which each comes after those it needs; ties by the order of the file. Cycles are left out. */
export function topologicalOrder(needs: Needs): string[] {
  const ordered: string[] = [];
  const placed = new Set<string>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const [id, wanted] of needs)
      if (!placed.has(id) && wanted.every((need) => placed.has(need))) {
        placed.add(id);
        ordered.push(id);
        grew = true;
      }
  }
  return ordered;
}

/** One cycle for each set of steps that need each other, as the ids in order, ending where it began. */
export function findCycles(needs: Needs): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const visit = (id: string, trail: readonly string[]) => {
    if (finished.has(id)) return;
    const start = trail.indexOf(id);
    if (start >= 0) {
      const members = trail.slice(start);
      cycles.push([...members, id]);
      for (const member of members) finished.add(member);
      return;
    }
    for (const need of needs.get(id) ?? []) visit(need, [...trail, id]);
    finished.add(id);
  };
  for (const id of needs.keys()) visit(id, []);
  return cycles;
}

/** The steps that a step needs, directly or through others, the nearest first: one list for each distance. */
export function ancestorsByDistance(id: string, needs: Needs): string[][] {
  const seen = new Set([id]);
  const layers: string[][] = [];
  for (let layer = [...(needs.get(id) ?? [])]; layer.length > 0; ) {
    const fresh = [...new Set(layer)].filter((each) => !seen.has(each));
    for (const each of fresh) seen.add(each);
    if (fresh.length > 0) layers.push(fresh);
    layer = fresh.flatMap((each) => needs.get(each) ?? []);
  }
  return layers;
}
