/** What a spreadsheet takes for the beginning of a formula, with the wide forms of East Asian keyboards, after any apostrophes. */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/;

/**
 * A text as a cell of a table that people open in a spreadsheet: with an apostrophe before what would be a formula. One that begins
 * with an apostrophe and such a character gets another, so that reading gives back every text.
 */
export const asCell = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** The text of such a cell. */
export const ofCell = (cell: string): string => (cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell);

/** A table as CSV (RFC 4180, lines end in \n), the first row the names of the columns. No cell is a formula. */
export const csvOf = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, ...rows].map(csvLine).join('');

/** A line of such a table. */
export const csvLine = (row: readonly string[]): string => `${row.map(csvCell).join(',')}\n`;

function csvCell(text: string): string {
  const cell = asCell(text);
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
