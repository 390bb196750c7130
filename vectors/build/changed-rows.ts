import type { VectorRow } from '../../contracts/vectors.ts';
import type { Store } from '../../store/index.ts';
import { eachRow, type ShardSource } from '../shards.ts';

/** Which rows of an index give way, which rows of new vectors come, and how many of each there are. */
export interface ChangedRows {
  /** Rows of the index that go, because their image has changed. */
  readonly outdated: ReadonlySet<number>;
  /** Rows of the vectors that come. */
  readonly fresh: ReadonlySet<number>;
  readonly added: number;
  readonly replaced: number;
  /** Images that the index has as they are. */
  readonly unchanged: number;
}

/**
 * Compares new rows with those of an index, by their names: an image that is there as it is stays, one that has changed, or of which
 * something else is known by now, takes the place of the old one. Of several new rows of one name the last counts.
 */
export async function changedRows(store: Store, index: ShardSource, vectors: ShardSource): Promise<ChangedRows> {
  const known = new Map<string, { readonly rows: number[]; readonly facts: string }>();
  for await (const { row, at } of eachRow(store, index)) {
    const before = known.get(row.name);
    known.set(row.name, { rows: [...(before?.rows ?? []), at], facts: factsOf(row) });
  }
  const coming = new Map<string, { readonly at: number; readonly facts: string }>();
  for await (const { row, at } of eachRow(store, vectors)) coming.set(row.name, { at, facts: factsOf(row) });
  const outdated = new Set<number>();
  const fresh = new Set<number>();
  let [added, replaced, unchanged] = [0, 0, 0];
  for (const [name, { at, facts }] of coming) {
    const there = known.get(name);
    if (there?.facts === facts) {
      unchanged++;
      continue;
    }
    fresh.add(at);
    if (there) replaced++;
    else added++;
    for (const row of there?.rows ?? []) outdated.add(row);
  }
  return { outdated, fresh, added, replaced, unchanged };
}

/** All but the statistics, which follow from the image. */
const factsOf = ({ source, label, group, category, split }: VectorRow) =>
  JSON.stringify([source, label, group, category, split]);
