// biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has
const notText = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** The text of a cell, without the spaces around it; a number as it is written in a program. Nothing is an empty text. */
export function textOfCell(cell: unknown): { readonly text: string } | { readonly problem: string } {
  switch (typeof cell) {
    case 'string':
      if (!cell.isWellFormed() || notText.test(cell)) return { problem: 'holds characters that no text has' };
      return { text: cell.trim() };
    case 'number':
      if (Number.isInteger(cell) && !Number.isSafeInteger(cell))
        return { problem: 'is a number with more digits than JSON keeps: write it as a text, in quotes' };
      return { text: String(cell) };
    case 'bigint':
    case 'boolean':
      return { text: String(cell) };
    case 'undefined':
      return { text: '' };
    default:
      if (cell === null) return { text: '' };
      return { problem: Array.isArray(cell) ? 'is a list, not a text' : 'is no text' };
  }
}
