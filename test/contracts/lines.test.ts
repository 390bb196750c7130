import { expect, it } from 'vitest';
import { createLineReader } from '../../contracts/lines.ts';

function linesOf(pieces: readonly string[], most = 100): string[] {
  const lines: string[] = [];
  const reader = createLineReader(most, (line) => lines.push(line));
  for (const piece of pieces) reader.write(piece);
  reader.end();
  return lines;
}

it('joins a line that comes in pieces, and gives the last one at the end', () => {
  expect(linesOf(['one\ntw', 'o\nthr', 'ee'])).toEqual(['one', 'two', 'three']);
});

it('leaves out lines that say nothing', () => {
  expect(linesOf(['one\n\n  \n', '\ntwo\n'])).toEqual(['one', 'two']);
});

it('cuts a line at its length, however many pieces it comes in', () => {
  expect(linesOf(['abc', 'def', 'ghi\njklmno\np'], 4)).toEqual(['abcd', 'jklm', 'p']);
});

it('gives a line as soon as it ends, and none twice', () => {
  const lines: string[] = [];
  const reader = createLineReader(100, (line) => lines.push(line));
  reader.write('one\ntwo');
  expect(lines).toEqual(['one']);
  reader.end();
  reader.end();
  expect(lines).toEqual(['one', 'two']);
});
