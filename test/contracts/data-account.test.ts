import { describe, expect, it } from 'vitest';
import { dataHeadline, dataLines } from '../../contracts/data-account.ts';

const result = {
  dataset: { kind: 'dataset', digest: 'a'.repeat(64) },
  name: 'photos',
  classes: 2,
  counts: { train: 10, validation: 1, test: 2 },
  rejected: 6,
  files: { found: 24, used: 13, leftOut: 0, rejected: 6, ignored: 5 },
  ignored: { macOS: 5 },
  reasons: [
    { reason: 'is cut off or damaged', count: 5, first: ['train/coat/a.png', 'train/coat/b.png', 'train/coat/c.png'] },
    { reason: 'is empty (0 bytes)', count: 1, first: ['train/coat/z.jpg'] },
  ],
  incomplete: [{ class: 'coat', found: 14, used: 8, rejected: 6 }],
  list: 'runs/first/report/data-files.tsv',
  warnings: ['The test set is empty.'],
  copies: [],
};
const step = { id: 'data', uses: 'prepare-data', result } as const;

describe('what is said of prepared data', () => {
  it('one file is one file, and one row one row', () => {
    const files = { found: 1, used: 1, leftOut: 0, rejected: 0, ignored: 0 };
    const one = { ...result, files, incomplete: [], reasons: [], warnings: Array.from({ length: 7 }, () => 'odd') };
    expect(dataHeadline({ ...step, result: one })).toContain('1 of 1 file used; ');
    expect(dataLines({ ...step, result: { ...one, files: { ...files, ignored: 1 } } }, 'first', String)).toEqual(
      expect.arrayContaining([expect.stringContaining(': 1 file found: '), 'data: and 1 more warning']),
    );
  });

  it('how much of each class is used, and the first that is not, in a line', () => {
    expect(dataHeadline(step)).toBe(
      '8 of 14 coat used; 6 rejected, first: train/coat/a.png is cut off or damaged; 5 of file managers ignored; 10 train, 1 validation, 2 test; 1 warning',
    );
  });

  it('every reason, where all files are listed, and every warning', () => {
    expect(dataLines(step, 'first', (path) => `/store/${path}`)).toEqual([
      'data: 24 files found: 13 used, 0 left out by limit, 6 rejected, 5 of file managers ignored',
      'data: 8 of 14 coat used; 6 rejected',
      'data: rejected: 5 files, first train/coat/a.png, train/coat/b.png, train/coat/c.png: is cut off or damaged',
      'data: rejected: train/coat/z.jpg is empty (0 bytes)',
      'data: every file: /store/runs/first/report/data-files.tsv',
      'data: `contrail dataset show first` shows all of this',
      'data: warning: The test set is empty.',
    ]);
  });

  it('of a table its rows, and with which corrections it was made', () => {
    const [file, sha256] = ['/data/fixes.csv', 'ab'.repeat(32)];
    const table = { file: '/data/products.csv', sha256 };
    const relabels = { file, sha256, changed: 3, dropped: 1 };
    const files = { found: 24, used: 17, leftOut: 1, rejected: 6, ignored: 0 };
    const lines = dataLines({ ...step, result: { ...result, table, relabels, files } }, 'first', String);
    expect(lines.slice(0, 2)).toEqual([
      'data: 24 rows found: 17 used, 1 left out, 6 rejected, 0 of file managers ignored',
      'data: corrected by /data/fixes.csv (SHA-256 abababababab…): 3 labels changed, 1 image left out',
    ]);
    expect(lines).toContain('data: every row: runs/first/report/data-files.tsv');
  });

  it('each on one line, whatever a class is called', () => {
    const incomplete = [{ class: 'new\nline', found: 2, used: 1, rejected: 1 }];
    const odd = {
      ...step,
      result: { ...result, incomplete, warnings: ['No test image of 1 of 2 classes (new\nline).'] },
    };
    for (const line of [dataHeadline(odd), ...dataLines(odd, 'first', String)]) expect(line).not.toContain('\n');
    expect(dataLines(odd, 'first', String).at(-1)).toBe('data: warning: No test image of 1 of 2 classes (new\\nline).');
  });

  it('the count alone where all is used, and nothing of data that is no folder, of other steps and of older results', () => {
    const { incomplete: _, ...rest } = result;
    const files = { found: 13, used: 13, leftOut: 0, rejected: 0, ignored: 0 };
    const whole = { ...step, result: { ...rest, files, reasons: [], warnings: [] } };
    expect([dataHeadline(whole), dataLines(whole, 'first', String)]).toEqual([
      '13 of 13 files used; 10 train, 1 validation, 2 test',
      [],
    ]);
    const { dataset, name, classes, counts, rejected } = result;
    const old = { ...step, result: { dataset, name, classes, counts, rejected } };
    expect([dataHeadline(old), dataLines(old, 'first', String)]).toEqual(['', []]);
    expect(dataLines({ ...step, uses: 'evaluate' }, 'first', String)).toEqual([]);
    expect(dataHeadline({ ...step, result: null })).toBe('');
  });
});
