import type { NamesTold } from '../../contracts/vector-index.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import type { Store } from '../../store/index.ts';
import { eachRow, type ShardSource } from '../shards.ts';
import type { RowSource } from './rows.ts';
import { namesTold } from './told.ts';

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
  /** Replaced images whose file is another one, and not only their label or group. */
  readonly otherFiles: NamesTold;
  /** Images that do not come, because another one that comes has their name. */
  readonly sameName: NamesTold;
}

/**
 * Compares new rows with those of an index, by their names: an image that is there as it is stays, one that has changed, or of which
 * something else is known by now, takes the place of the old one. Of several new rows of one name the last counts.
 *
 * @param coming rows that `keep` leaves out are as if they were not there; `prefix` is part of their names
 */
export async function changedRows(
  store: Store,
  index: ShardSource,
  { ref, shards, keep = () => true, prefix = '' }: RowSource,
): Promise<ChangedRows> {
  const known = new Map<string, { readonly rows: number[]; readonly source: string; readonly facts: string }>();
  for await (const { row, at } of eachRow(store, index)) {
    const before = known.get(row.name);
    known.set(row.name, { rows: [...(before?.rows ?? []), at], source: row.source, facts: factsOf(row) });
  }
  const coming = new Map<string, { readonly at: number; readonly source: string; readonly facts: string }>();
  const sameName: string[] = [];
  for await (const { row, at } of eachRow(store, { ref, shards })) {
    if (!keep(at)) continue;
    const [name, facts] = [prefix + row.name, factsOf(row)];
    const before = coming.get(name);
    if (before && before.facts !== facts) sameName.push(name);
    coming.set(name, { at, source: row.source, facts });
  }
  const outdated = new Set<number>();
  const fresh = new Set<number>();
  const otherFiles: string[] = [];
  let [added, replaced, unchanged] = [0, 0, 0];
  for (const [name, { at, source, facts }] of coming) {
    const there = known.get(name);
    if (there?.facts === facts) {
      unchanged++;
      continue;
    }
    fresh.add(at);
    if (there) replaced++;
    else added++;
    if (there && there.source !== source) otherFiles.push(name);
    for (const row of there?.rows ?? []) outdated.add(row);
  }
  return {
    outdated,
    fresh,
    added,
    replaced,
    unchanged,
    otherFiles: namesTold(otherFiles),
    sameName: namesTold(sameName),
  };
}

/** All but the statistics, which follow from the image. */
const factsOf = ({ source, label, group, category, split }: VectorRow) =>
  JSON.stringify([source, label, group, category, split]);
