import { shorten, terminalWidth } from './output.ts';
import { table } from './table.ts';
import { leastColumn, widthsWithin } from './table-widths.ts';

/**
 * A table that is no wider than the terminal, with a line for each row: the widest columns are shortened in their middle. Where nobody
 * watches, nothing is.
 *
 * @param width columns of the terminal; undefined for none
 */
export function fittingTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined = terminalWidth(),
): string {
  if (width === undefined) return table(head, rows);
  const widths = widthsWithin([head, ...rows], width);
  return table(
    head,
    rows.map((row) => row.map((cell, column) => shorten(cell, widths[column] ?? leastColumn))),
    { width },
  );
}
