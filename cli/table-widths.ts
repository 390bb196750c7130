import { stripVTControlCharacters } from 'node:util';
import wrapAnsi from 'wrap-ansi';
import { displayWidth } from '../contracts/display-width.ts';

/** Narrower, a column tells nothing. */
export const leastColumn = 8;
/** Less of a sentence tells nothing. */
const leastSentence = 20;

export type Rows = readonly (readonly string[])[];

const widthOf = (text: string) => displayWidth(stripVTControlCharacters(text));

/**
 * The columns of a table that is no wider than a terminal. The widest give way first: down to their longest word, and where that
 * is not enough, down to where a column still tells something.
 *
 * @param cells of each row, the head among them
 * @param width columns of the terminal
 * @param first a column that gives way before all others
 * @param whole columns of which no word is broken: of what is copied, such as ids
 */
export function widthsWithin(
  cells: Rows,
  width: number,
  first?: number,
  whole: readonly number[] = [],
): readonly number[] {
  const columns = cells[0]?.map((_, column) => cells.map((row) => row[column] ?? '')) ?? [];
  const widest = (texts: readonly string[]) => texts.reduce((most, text) => Math.max(most, widthOf(text)), 0);
  const widths = columns.map(widest);
  const words = columns.map((texts) => widest(texts.flatMap((text) => text.split(' '))));
  // A space beside each column, and one between two.
  let excess = widths.reduce((sum, each) => sum + each, 0) + 2 * columns.length - width;
  const shrink = (leastOf: (column: number) => number, among = widths.map((_, column) => column)) => {
    while (excess > 0) {
      const able = among.filter((column) => (widths[column] as number) > leastOf(column));
      const [most] = able.toSorted((a, b) => (widths[b] as number) - (widths[a] as number));
      if (most === undefined) return;
      widths[most] = (widths[most] as number) - 1;
      excess--;
    }
  };
  if (first !== undefined) shrink(() => leastSentence, [first]);
  const longestWord = (column: number) => Math.max(leastColumn, words[column] as number);
  shrink(longestWord);
  shrink((column) => (whole.includes(column) ? longestWord(column) : leastColumn));
  return widths;
}

/** A cell in as many lines as it takes, between words where it can. */
export const linesOfCell = (text: string, width: number): string =>
  widthOf(text) <= width ? text : wrapAnsi(text, width, { hard: true });
