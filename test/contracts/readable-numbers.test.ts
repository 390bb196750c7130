import { expect, it } from 'vitest';
import { withReadableNumbers } from '../../contracts/readable-numbers.ts';

it.each([
  ['Top-1 is 0.43956043956043955.', 'Top-1 is 0.4396.'],
  ['from 0.87654321 to -1.00000049', 'from 0.8765 to -1'],
  ['version 1.123456.7, sha a0.123456789, 0.5', 'version 1.123456.7, sha a0.123456789, 0.5'],
])('%s', (text, readable) => expect(withReadableNumbers(text)).toBe(readable));
