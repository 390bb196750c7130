import { displayWidth } from '../contracts/display-width.ts';
import { shorten, table } from './output.ts';

/** Narrower, a column tells nothing. */
const leastColumn = 8;

/**
 * A table that is no wider than the terminal: the widest columns are shortened in their middle. Where nobody watches, nothing is.
 *
 * @param width columns of the terminal; undefined for none
 */
export function fittingTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined = process.stdout.isTTY ? process.stdout.columns : undefined,
): string {
  if (width === undefined) return table(head, rows);
  const widths = head.map((title, column) =>
    rows.reduce((most, row) => Math.max(most, displayWidth(row[column] ?? '')), displayWidth(title)),
  );
  // A space beside each column, and one between two.
  const room = width - 2 * head.length;
  while (widths.reduce((a, b) => a + b, 0) > room) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= leastColumn) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return table(
    head,
    rows.map((row) => row.map((cell, column) => shorten(cell, widths[column] ?? leastColumn))),
  );
}
