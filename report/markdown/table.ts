import { markdownText } from '../../contracts/markdown-text.ts';

/** A share of 1 in percent. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

const row = (cells: readonly (string | number)[]) =>
  `| ${cells.map((cell) => markdownText(String(cell))).join(' | ')} |`;

/** A table whose first column is text and whose others are numbers. What is in a cell is shown as it is. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [row(head), row(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(row)].join('\n');
