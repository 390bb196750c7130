import { someOf } from '../../contracts/some-of.ts';
import { visible } from '../../contracts/visible-text.ts';
import { byBytes } from './by-bytes.ts';
import type { ImageRow, TableRow } from './row.ts';

type Found = TableRow & ImageRow;

/** What two rows of one image may disagree on besides further labels. */
const facts = ['label', 'split', 'group', 'category'] as const;

/** What a row says of its image, by what it is called in a message. */
const sayingsOf = (row: Found): ReadonlyMap<string, string | null> =>
  new Map([
    ...facts.map((fact) => [fact, row[fact] ?? null] as const),
    ...Object.entries(row.labels ?? {}).map(([column, label]) => [`"${visible(column)}"`, label] as const),
  ]);

/**
 * Decides between rows that name the same image. Rows that say the same are one: the first is kept. Rows that contradict each other
 * are all rejected, since none is known to be right. What is kept does not depend on the order of the rows.
 *
 * @param rows sorted by name, then line
 */
export function decided(rows: readonly TableRow[]): readonly TableRow[] {
  const all: TableRow[] = [];
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const { name } = rows[from] as TableRow;
    for (to = from; rows[to]?.name === name; ) to++;
    all.push(...decidedOfOne(rows.slice(from, to)));
  }
  return all;
}

function decidedOfOne(rows: readonly TableRow[]): readonly TableRow[] {
  const images = rows.filter((row): row is Found => row.is === 'image');
  const [first] = images;
  if (!first || images.length < 2) return rows;
  const sayings = images.map(sayingsOf);
  const told = [...new Set(sayings.flatMap((said) => [...said.keys()]))];
  const differing = told.filter((what) => new Set(sayings.map((said) => said.get(what) ?? null)).size > 1);
  const reasonFor = (row: Found): string | null => {
    if (differing.length > 0)
      return `is in ${images.length} rows that contradict each other: ${contradiction(sayings, differing)}`;
    return row === first ? null : 'is in another row already, which says the same of it';
  };
  return rows.map((row): TableRow => {
    const reason = row.is === 'image' ? reasonFor(row) : null;
    if (row.is !== 'image' || reason === null) return row;
    const { line, name, label } = row;
    return { line, name, is: 'rejected', reason, ...(differing.includes('label') ? {} : { label }) };
  });
}

/** The same for the same rows in any order: `label (coat, shirt)`. */
function contradiction(sayings: readonly ReadonlyMap<string, string | null>[], differing: readonly string[]): string {
  return differing
    .map(
      (what) => `${what} (${someOf([...new Set(sayings.map((said) => said.get(what) ?? 'none'))].sort(byBytes), 4)})`,
    )
    .join(', ');
}
