import { describe, expect, it } from 'vitest';
import { readList } from '../../../datasets/folder/list.ts';
import { momentOf, momentText } from '../../../datasets/folder/moment.ts';

describe('when a file was changed, in a list', () => {
  it('is ISO 8601 with every digit that the file system has', () => {
    expect(momentText(1_764_238_500_123)).toBe('2025-11-27T10:15:00.123Z');
    expect(momentText(1_764_238_500_123.4568)).toBe('2025-11-27T10:15:00.1234568Z');
    expect(momentText(1_764_238_500_000.0625)).toBe('2025-11-27T10:15:00.0000625Z');
    expect(momentText(0.5)).toBe('1970-01-01T00:00:00.0005Z');
  });

  it('is read back as the very number, also where it has no such form', () => {
    const times = [1_764_238_500_123.4568, 1_764_238_500_000, 0.5, 7, -1.5, 1e-7, 1e21, 253_402_300_799_999.97];
    for (const time of times) expect(momentOf(momentText(time)), String(time)).toBe(time);
  });

  it('is read of lists of earlier versions, which have numbers', () => {
    const text =
      'what\tfile\tbytes\tmodified\twhy\ntrain\ta.png\t12\t1764238500123.4568\t\ntrain\thttps://a/b\t9\t0\t\n';
    expect([...readList(text)]).toEqual([
      ['a.png', { bytes: 12, modified: 1_764_238_500_123.4568 }],
      ['https://a/b', { bytes: 9, modified: 0 }],
    ]);
  });
});
