import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { byBytes } from '../../../datasets/table/by-bytes.ts';
import type { TableRecord } from '../../../datasets/table/record.ts';
import { recordsOf } from '../../../datasets/table/records.ts';
import { findTable } from '../../../datasets/table/table-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-table-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
let number = 0;

/** The rows of a table of this name and content. */
async function rowsOf(
  name: string,
  content: string | Buffer,
  { needed = ['image', 'label'], optional = [] as string[], mostRows = undefined as number | undefined } = {},
): Promise<TableRecord[]> {
  const path = join(folder, `${number++}-${name}`);
  await writeFile(path, content);
  const rows: TableRecord[] = [];
  for await (const row of recordsOf(
    { ...(await findTable(path)), needed, optional, advice: 'Name yours in `columns`.' },
    mostRows,
  ))
    rows.push(row);
  return rows;
}

const cellsOf = async (...of: Parameters<typeof rowsOf>) => (await rowsOf(...of)).map(({ cells }) => cells);
const refusal = (...of: Parameters<typeof rowsOf>) =>
  rowsOf(...of).then(
    () => 'it was read',
    (error: Error & { readonly code?: string }) => `${error.code}: ${error.message.replace(`${folder}/`, '')}`,
  );

describe('a table of text', () => {
  const wanted = [
    ['a.jpg', 'coat'],
    ['b.jpg', 'shirt, "blue"'],
  ];

  it.each([
    ['products.csv', 'image,label\na.jpg,coat\nb.jpg,"shirt, ""blue"""\n'],
    ['products.CSV', '\ufeffimage,label\r\na.jpg,coat\r\nb.jpg,"shirt, ""blue"""'],
    ['products.csv', 'price,label,image\n1,coat,a.jpg\n\n,,\n2,"shirt, ""blue""",b.jpg\n'],
    ['products.csv', 'image,label\ra.jpg,coat\rb.jpg,"shirt, ""blue"""\r'],
    ['products.csv', 'image;label;price\na.jpg;coat;1,5\nb.jpg;"shirt, ""blue""";2,5\n'],
    ['products.csv', '\n;;\nlabel;"image"\ncoat;a.jpg\n"shirt, ""blue""";b.jpg'],
    ['products.csv', '"price; EUR","label",image\n1,coat,a.jpg\n2,"shirt, ""blue""",b.jpg\n'],
    ['products.csv', 'image\tlabel\na.jpg\tcoat\nb.jpg\t"shirt, ""blue"""\n'],
    ['products.tsv', 'image\tlabel\na.jpg\tcoat\nb.jpg\tshirt, "blue"\n'],
    ['products.jsonl', '{"image":"a.jpg","label":"coat"}\n\n{"label":"shirt, \\"blue\\"","image":"b.jpg","x":[1]}'],
    ['products.ndjson', '\ufeff{"image":"a.jpg","label":"coat"}\r\n{"image":"b.jpg","label":"shirt, \\"blue\\""}\r\n'],
  ])('%s is read by the names of its columns: %j', async (name, content) => {
    expect(await cellsOf(name, content)).toEqual(wanted);
  });

  it('keeps what would be a byte order mark at the beginning, wherever pieces of the file end', async () => {
    const rows = Array.from({ length: 60_000 }, (_, at) => `\ufeff${at}-${'x'.repeat(30)}.jpg,coat`);
    const cells = await cellsOf('large.csv', `\ufeffimage,label\n${rows.join('\n')}\n`);
    expect(cells.filter(([image]) => !String(image).startsWith('\ufeff'))).toEqual([]);
    expect(cells).toHaveLength(rows.length);
  });

  it('says in which line a row begins, also after cells of several lines', async () => {
    const rows = await rowsOf('x.csv', 'image,label\r\n"a\r\nb",x\r\n\r\nc,"y\r\nz"\r\nd,e\r\n');
    expect(rows).toEqual([
      { line: 2, cells: ['a\nb', 'x'] },
      { line: 5, cells: ['c', 'y\nz'] },
      { line: 7, cells: ['d', 'e'] },
    ]);
  });

  it('a row of more or fewer cells than the heading is told so, and costs no other', async () => {
    expect(await rowsOf('x.csv', 'image,label\na,x,y\nb\nc,z\n')).toEqual([
      { line: 2, cells: 'has 3 cells, and the heading has 2' },
      { line: 3, cells: 'has 1 cell, and the heading has 2' },
      { line: 4, cells: ['c', 'z'] },
    ]);
  });

  it('cells of columns that need not be there are empty where they are not', async () => {
    const optional = ['group'];
    expect(await cellsOf('x.csv', 'image,label\na,x\n', { optional })).toEqual([['a', 'x', '']]);
    expect(await cellsOf('x.csv', 'group,image,label\n7,a,x\n', { optional })).toEqual([['a', 'x', '7']]);
    expect(await cellsOf('x.jsonl', '{"image":"a","label":"x"}', { optional })).toEqual([['a', 'x', undefined]]);
  });

  it('a long table is read across the pieces of its file, whatever characters lie on their borders', async () => {
    const lines = Array.from({ length: 30_000 }, (_, at) => `ü/${at}.jpg,"täg\n${at}"`);
    const rows = await rowsOf('x.csv', `image,label\n${lines.join('\n')}`);
    expect(rows).toHaveLength(lines.length);
    expect(rows.at(-1)).toEqual({
      line: 2 * lines.length,
      cells: [`ü/${lines.length - 1}.jpg`, `täg\n${lines.length - 1}`],
    });
  });
});

describe('a table that cannot be read is refused, with the place', () => {
  it.each<[string, string | Buffer, RegExp]>([
    [
      'a.csv',
      'file,class,kind\nx,y,z\n',
      /a\.csv has no column "image" and no column "label"\. Its columns are "file", "class", "kind"\. Name yours in `columns`/,
    ],
    [
      'a.csv',
      'image|label\nx|y\n',
      /Its columns are "image\|label".* divided by "\|": cells of a \.csv are divided by commas, semicolons or tabs/,
    ],
    ['a.csv', 'image,label,label\nx,y,z\n', /several columns "label"/],
    ['a.csv', '', /a\.csv is empty/],
    [
      'a.jsonl',
      `{"image":"a","label":"b"}\n{"image":${'['.repeat(500_000)}${']'.repeat(500_000)}}\n`,
      /a\.jsonl:2: it is nested more than 200 deep/,
    ],
    ['a.csv', 'image,label\nx,"y\nz,w\n', /a\.csv:2: a quote of this row is never closed/],
    ['a.csv', 'image,label\n"x\ny",z\nb"c,d\n', /a\.csv:4: a quote is within a cell/],
    ['a.csv', Buffer.from('image,label\na,b\nx,Übung\n', 'latin1'), /a\.csv:3: the line is not in UTF-8/],
    ['a.tsv', Buffer.from('\ufeffimage\tlabel\n', 'utf16le'), /a\.tsv is in UTF-16/],
    ['a.jsonl', '{"image":"a","label":"b"}\n{"image": "a"\n', /a\.jsonl:2:14: this is no JSON/],
    ['a.jsonl', '[{"image":"a","label":"b"}]\n', /a\.jsonl:1: this is no JSON object/],
    ['a.jsonl', '{"image":"a","class":"b"}\n', /a\.jsonl has no column "label"\. Its columns are "image", "class"/],
    ['a.parquet', 'PAR1 but not really PAR1', /a\.parquet cannot be read as Parquet/],
    ['a.xlsx', 'x', /is no table of a kind that is read: \.csv, \.tsv, \.jsonl and \.parquet are/],
  ])('%s: %j', async (name, content, message) => {
    const said = await refusal(name, content);
    expect(said).toMatch(/^InvalidDataset: /);
    expect(said).toMatch(message);
  });

  it('where a row or a line does not end', async () => {
    expect(await refusal('a.csv', `image,label\nx,"${'y\n'.repeat(600_000)}`)).toMatch(
      /a\.csv:2: the row is longer than 1 MiB/,
    );
    expect(await refusal('a.csv', `image,label\n${'y'.repeat(1_100_000)}`)).toMatch(
      /a\.csv:2: the line is longer than 1 MiB/,
    );
  });

  it('where it has more rows than may be', async () => {
    const text = `image,label\n${'a,b\n'.repeat(11)}`;
    expect(await refusal('x.csv', text, { mostRows: 10 })).toMatch(/more than 10 rows/);
    expect(await rowsOf('x.csv', text, { mostRows: 11 })).toHaveLength(11);
  });

  it('where there is none, or a folder in its place', async () => {
    await expect(findTable(join(folder, 'none.csv'))).rejects.toThrow(/does not exist on the worker's machine/);
    await expect(findTable(folder)).rejects.toThrow(/is a folder, not a table/);
  });
});

describe('the order of names', () => {
  it('is that of their bytes', () => {
    const name = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(Math.sign(byBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    expect(byBytes('\u{1f600}', '\uff5e')).toBeGreaterThan(0);
  });
});
