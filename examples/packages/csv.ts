/** A table as text (RFC 4180), the first row the names of the columns. */
export const csvOf = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${[columns, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;

const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
