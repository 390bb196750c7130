import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readLines } from '../../../datasets/folder/list.ts';
import { readRowFacts } from '../../../datasets/row-facts.ts';
import { relabelsCsv } from '../../../evaluation/inspection/relabels.ts';
import { digestOf } from '../../../store/index.ts';
import { folder, png, prepare, refusal, useImageFolders, write } from '../image-folder.ts';
import { prepareTable, refusalOfTable, writePhotos, writeTable } from './table.ts';

useImageFolders();

let relabels: string;
const correct = async (...rows: readonly string[]) =>
  writeFile(relabels, `${['image,label,note', ...rows].join('\n')}\n`);

beforeEach(async () => {
  relabels = join(folder, 'relabels.csv');
  await writeTable(await writePhotos());
});

describe.each([
  ['a table', prepareTable, refusalOfTable, 'coat/0.png'],
  ['a folder', prepare, refusal, 'coat/0.png'],
])('corrections of %s', (what, prepared, refused) => {
  // The folder holds the table as well, which is no image.
  const files = what === 'a table' ? { found: 8, rejected: 0 } : { found: 9, rejected: 1 };

  it('give images other labels or leave them out, and the result says with which it was made', async () => {
    await correct('coat/0.png,shirt,a mistake', 'coat/1.png,coat,', 'shirt/3.png,-,blurred');
    const { about, ref, store, summary, list } = await prepared({ relabels });
    expect(about.splits.train.perClass).toEqual([3, 4]);
    const names = (await readRowFacts(store, ref, 'train'))?.map(({ name }) => name);
    expect(names).toHaveLength(7);
    expect(names).not.toContain('shirt/3.png');
    const { sha256 } = digestOf(await readFile(relabels));
    expect(summary.relabels).toEqual({ file: expect.stringMatching(/relabels\.csv$/), sha256, changed: 1, dropped: 1 });
    expect(summary.files).toEqual({ ...files, used: 7, leftOut: 1, ignored: 0 });
    const text = await readFile(list, 'utf8');
    expect(text).toMatch(/^left out\tshirt\/3\.png\t\d+\t\d{4}-\d\d-\d\dT[\d:.]+Z\tby relabels\.csv:4/m);
    expect(text).toMatch(/^relabels\t.*relabels\.csv\t\d+\t/m);
  });

  it('that change nothing give the same data set', async () => {
    await correct('coat/1.png,coat,');
    expect((await prepared({ relabels })).ref).toEqual((await prepared()).ref);
  });

  it('may make new classes, with a warning, and empty others', async () => {
    await correct(...[0, 1, 2, 3].map((at) => `coat/${at}.png,jacket,`));
    const { about, summary } = await prepared({ relabels });
    expect(about.classes).toEqual(['jacket', 'shirt']);
    expect(summary.warnings).toContain(
      'relabels.csv gives labels that no image had: jacket. Each is a class of its own.',
    );
  });

  it.each([
    [
      'an image that is not there',
      ['coat/0.png,shirt,', 'coat/9.png,shirt,'],
      /One row of relabels\.csv names an image that is not in the data set:\n {2}relabels\.csv:3: coat\/9\.png/,
    ],
    [
      'no label',
      ['coat/0.png,,'],
      /relabels\.csv:2: coat\/0\.png has no label\. Write the label that it is to have, or `-`/,
    ],
    [
      'an image twice',
      ['coat/0.png,shirt,', './coat/0.png,coat,'],
      /relabels\.csv:3: coat\/0\.png is relabelled by relabels\.csv:2 already/,
    ],
    ['a label that looks like another', ['coat/0.png,Shirt,'], /These labels look the same/],
    [
      'an image elsewhere',
      ['../x.png,shirt,'],
      /relabels\.csv:2: the row leads out of the folder of the table: \.\.\/x\.png/,
    ],
  ])('with %s are refused with the line', async (_, rows, message) => {
    await correct(...rows);
    expect(await refused({ relabels })).toMatch(message);
  });

  it('that `inspect-data` wrote name images whose names would be formulas in a spreadsheet', async () => {
    const name = what === 'a table' ? '=coat.png' : 'coat/=coat.png';
    await write({ [name]: await png(250) });
    if (what === 'a table') await writeTable([...(await writePhotos()), [name, 'coat']]);
    const row = { image: name, label: '@shirt', suggested: 'shirt', confidence: 1, note: '' };
    const text = new TextDecoder().decode(relabelsCsv([row]));
    expect(text).toMatch(/,'@shirt,/);
    await writeFile(relabels, text);
    const { about, list } = await prepared({ relabels });
    expect(about.classes).toEqual(['@shirt', 'coat', 'shirt']);
    const line = (await readFile(list, 'utf8')).split('\n').find((each) => each.includes('=coat.png'));
    expect(line).toContain(what === 'a table' ? "\t'=coat.png\t" : '\tcoat/=coat.png\t');
    expect([...readLines(await readFile(list, 'utf8'))].map(({ path }) => path)).toContain(name);
  });

  it('that leave out every image are told so', async () => {
    await correct(...['coat', 'shirt'].flatMap((name) => [0, 1, 2, 3].map((at) => `${name}/${at}.png,-,`)));
    expect(await refused({ relabels })).toMatch(
      what === 'a table'
        ? /No row is left of products\.csv: relabels\.csv leaves out all 8\./
        : /No image is left: relabels\.csv leaves out all 8 images\./,
    );
    expect((await readFile(join(folder, 'list.tsv'), 'utf8')).match(/^left out\t/gm)).toHaveLength(8);
  });

  it('with other headings are told which are known, and which one was meant', async () => {
    await writeFile(relabels, 'Image,class\ncoat/0.png,shirt\n');
    expect(await refused({ relabels })).toMatch(
      /relabels\.csv has no column "image" \(did you mean "Image"\?\) and no column "label"\. Its columns are "Image", "class"\. Corrections have a column "image" and a column "label"/,
    );
  });

  it('that are not there, or Parquet, are refused', async () => {
    expect(await refused({ relabels: join(folder, 'none.csv') })).toMatch(/none\.csv does not exist/);
    await writeFile(join(folder, 'x.parquet'), 'PAR1');
    expect(await refused({ relabels: join(folder, 'x.parquet') })).toMatch(/write them as \.csv/);
  });
});

describe('corrections of a table', () => {
  it('come before the rows are compared: they settle contradictions and fill in labels', async () => {
    await writeTable([...(await writePhotos()).slice(1), ['coat/0.png', ''], ['coat/1.png', 'shirt']]);
    await correct('coat/0.png,coat,', 'coat/1.png,coat,');
    const { about, summary } = await prepareTable({ relabels });
    expect(about.splits.train.perClass).toEqual([4, 4]);
    expect(about.rejected).toEqual([
      { path: 'coat/1.png', reason: 'is in another row already, which says the same of it' },
    ]);
    expect(summary.relabels).toMatchObject({ changed: 2, dropped: 0 });
  });
});
