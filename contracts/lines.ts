/** Takes a text in pieces. */
export interface LineReader {
  readonly write: (piece: string) => void;
  /** Gives the last line, which nothing ended. */
  readonly end: () => void;
}

/** Gives the lines of a text that say anything. Of a line only so many characters are kept, whatever is written. */
export function createLineReader(most: number, say: (line: string) => void): LineReader {
  let line = '';
  const end = () => {
    if (line.trim() !== '') say(line);
    line = '';
  };
  const write = (piece: string) => {
    const [first = '', ...others] = piece.split('\n');
    line = (line + first).slice(0, most);
    for (const other of others) {
      end();
      line = other.slice(0, most);
    }
  };
  return { write, end };
}
