import { expect, it } from 'vitest';
import { formatBytes } from '../../contracts/limits.ts';

it('shows a size in the largest unit of which there is one, with a digit more where it is not whole', () => {
  const shown = [0, 1, 1023, 1024, 1536, 2 ** 20, 4.25 * 2 ** 20, 2 ** 30, 1.5 * 2 ** 40].map(formatBytes);
  expect(shown).toEqual([
    '0 bytes',
    '1 byte',
    '1023 bytes',
    '1 KiB',
    '1.5 KiB',
    '1 MiB',
    '4.3 MiB',
    '1 GiB',
    '1536 GiB',
  ]);
});
