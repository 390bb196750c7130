import { ContrailError } from '../../contracts/errors.ts';
import { someOf } from '../../contracts/some-of.ts';
import type { Removal } from '../../contracts/vector-index.ts';
import type { Store } from '../../store/index.ts';
import { eachRow, type ShardSource } from '../shards.ts';

/** The rows of an index that have one of the names, groups or labels, or a name that begins so. @throws ContrailError InvalidInput for one that no row has */
export async function removedRows(
  store: Store,
  index: ShardSource,
  { names = [], prefixes = [], groups = [], labels = [] }: Removal,
): Promise<ReadonlySet<number>> {
  const wanted = [
    { what: 'image', of: new Set(names), field: 'name' },
    { what: 'group', of: new Set(groups), field: 'group' },
    { what: 'label', of: new Set(labels), field: 'label' },
  ] as const;
  const missing = new Map<string, Set<string>>(wanted.map(({ what, of }) => [what, new Set(of)]));
  const unmet = new Set(prefixes);
  missing.set('image whose name begins with', unmet);
  const gone = new Set<number>();
  for await (const { row, at } of eachRow(store, index)) {
    for (const prefix of prefixes) {
      if (!row.name.startsWith(prefix)) continue;
      gone.add(at);
      unmet.delete(prefix);
    }
    for (const { what, of, field } of wanted) {
      const value = row[field];
      if (value === undefined || !of.has(value)) continue;
      gone.add(at);
      missing.get(what)?.delete(value);
    }
  }
  for (const [what, names] of missing)
    if (names.size > 0)
      throw new ContrailError(
        'InvalidInput',
        `The index has no ${what} ${someOf([...names])}, so nothing was removed.`,
      );
  return gone;
}
