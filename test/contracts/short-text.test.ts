import { expect, it } from 'vitest';
import { oneLine } from '../../contracts/short-text.ts';

it('a text of several lines is put on one, cut where it is long', () => {
  expect(oneLine('The output cannot be used.\n\n  These classes look the same')).toBe(
    'The output cannot be used. These classes look the same',
  );
  expect(oneLine('one\ntwo three', 7)).toBe('one two…');
  expect(oneLine('\u{1f600}'.repeat(9), 3)).toBe(`${'\u{1f600}'.repeat(3)}…`);
  expect(oneLine('\n')).toBe('');
});
