import { describe, expect, it } from 'vitest';
import { asCell, csvOf, ofCell } from '../../contracts/spreadsheet.ts';

const formulas = ['=1+1', '+1', '-', '@a', '\t=1', '\r', "'=1", "''@", '＝1'];
const others = ['', 'a', "'", "'a", 'a=b', ' =1', '"=1"', '1-2'];

describe('a text in a table that people open in a spreadsheet', () => {
  it('is no formula', () => {
    for (const text of formulas) expect(asCell(text)).toBe(`'${text}`);
    for (const text of others) expect(asCell(text)).toBe(text);
  });

  it('is read back as it was', () => {
    for (const text of [...formulas, ...others]) expect(ofCell(asCell(text))).toBe(text);
  });

  it('is in quotes where it would break the table', () => {
    const rows = [
      ['1,2', 'say "x"'],
      ['two\nlines', 'é'],
      [' a', '\t=1'],
    ];
    expect(csvOf(['a', '=b'], rows)).toBe('a,\'=b\n"1,2","say ""x"""\n"two\nlines",é\n" a",\'\t=1\n');
  });
});
