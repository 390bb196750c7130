import Table from 'cli-table3';
import pc from 'picocolors';
import { displayWidth, graphemesOf } from '../contracts/display-width.ts';
import { visible } from '../contracts/visible-text.ts';
import { forTerminal, terminalWidth } from './output.ts';
import { linesOfCell, widthsWithin } from './table-widths.ts';

export interface TableOptions {
  /** Columns that it may have; @default those of the terminal, where there is one */
  readonly width?: number | undefined;
  /** A column whose cells are cut to the room that the others leave, and not wrapped. */
  readonly cut?: string;
  /** Columns with what is copied, such as ids of runs: no word of them is broken, even where the table is wider than the terminal for it. */
  readonly whole?: readonly string[];
}

/**
 * A table without more lines than it needs, and without a heading where no column has a name; columns of numbers are aligned to the right. A cell is one line, but where the table would be
 * wider than the terminal: then the widest columns are wrapped.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  { width = terminalWidth(), cut, whole = [] }: TableOptions = {},
): string {
  const isNumeric = (column: number) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number');
  const cell = (value: string | number) => forTerminal(String(value).replaceAll(/[\t\n]/g, visible));
  const sentences = cut === undefined ? -1 : head.indexOf(cut);
  const texts = [head, ...rows].map((row) => row.map(cell));
  const unbroken = head.flatMap((name, column) => (whole.includes(name) ? [column] : []));
  const widths =
    width === undefined ? null : widthsWithin(texts, width, sentences < 0 ? undefined : sentences, unbroken);
  const fitted = (row: readonly string[]) =>
    row.map((text, column) => {
      const most = widths?.[column];
      if (most === undefined) return text;
      return column === sentences ? beginning(text, most) : linesOfCell(text, most);
    });
  const drawn = new Table({
    colAligns: head.map((_, column) => (isNumeric(column) ? 'right' : 'left')),
    head: head.every((name) => name === '') ? [] : fitted(head.map(cell)).map((each) => pc.bold(each)),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 1 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: ' ',
    },
  });
  drawn.push(...texts.slice(1).map(fitted));
  return drawn.toString();
}

/** The beginning of a text that would take more columns of a terminal than `most`. */
function beginning(text: string, most: number): string {
  if (displayWidth(text) <= most) return text;
  const parts = graphemesOf(text);
  while (displayWidth(parts.join('')) > most - 1) parts.pop();
  return `${parts.join('').trimEnd()}…`;
}
