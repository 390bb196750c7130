import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRowFacts } from '../../../datasets/row-facts.ts';
import { folder, images, png, prepare, useImageFolders, write } from '../image-folder.ts';
import { namesIn, prepareTable, reasonsIn, refusalOfTable, writePhotos, writeTable } from './table.ts';

useImageFolders();

describe('a table of images', () => {
  it('is a data set: labels are classes, and rows keep what the table says of them', async () => {
    const rows = await writePhotos();
    await writeTable(
      rows.map(([image, label], at) => [image, ` ${label} `, `SKU-${at >> 1}`, at === 0 ? '' : 'tops']),
      ['image', 'label', 'group', 'category'],
    );
    const { about, ref, store, summary } = await prepareTable();
    expect(about).toMatchObject({ name: 'products.csv', classes: ['coat', 'shirt'], rejected: [] });
    expect(about.splits.train.perClass).toEqual([4, 4]);
    expect((await readRowFacts(store, ref, 'train'))?.slice(0, 2)).toEqual([
      { name: 'coat/0.png', group: 'SKU-0' },
      { name: 'coat/1.png', group: 'SKU-0', category: 'tops' },
    ]);
    expect(summary.files).toEqual({ found: 8, used: 8, leftOut: 0, rejected: 0, ignored: 0 });
    expect(summary.table?.file).toMatch(/images\/products\.csv$/);
    expect(summary.table?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('gives the same pixels as a folder of the same images', async () => {
    await writeTable(await writePhotos());
    const fromTable = await prepareTable();
    await rm(join(images, 'products.csv'));
    const fromFolder = await prepare();
    expect(fromTable.about.mean).toEqual(fromFolder.about.mean);
    expect(fromTable.about.splits.train.perClass).toEqual(fromFolder.about.splits.train.perClass);
  });

  it('has a digest that does not depend on the order of its rows, whatever is wrong with some', async () => {
    const rows = [
      ...(await writePhotos()),
      ['coat/0.png', 'coat'],
      ['lost.png', 'coat'],
      ['shirt/1.png', 'coat'],
      ['', 'x'],
      ['coat/9.png', ''],
    ];
    await writeTable(rows);
    const { ref } = await prepareTable();
    await writeTable([...rows].reverse());
    const again = await prepareTable();
    expect(again.ref).toEqual(ref);
    expect(again.about.rejected).toHaveLength(6);
  });

  it('columns may have any names, and one that is named must be there', async () => {
    const rows = await writePhotos();
    await writeTable(
      rows.map(([image, label]) => [label, image, 'test']),
      ['class', 'file', 'split'],
    );
    const columns = { image: 'file', label: 'class', split: false };
    const { about } = await prepareTable({ columns });
    expect(about.splits.train.count).toBe(8);
    expect(await refusalOfTable()).toMatch(
      /products\.csv has no column "image" and no column "label"\. Its columns are "class", "file", "split"/,
    );
    expect(await refusalOfTable({ columns: { ...columns, group: 'sku' } })).toMatch(/has no column "sku"/);
  });

  it('columns that differ in case, spaces or Unicode form are named: needed ones in the error, others in a warning', async () => {
    const rows = await writePhotos();
    const decomposed = 'Übung'.normalize('NFD');
    await writeTable(rows, [decomposed, 'La bel']);
    expect(await refusalOfTable({ columns: { image: 'übung' } })).toMatch(
      new RegExp(
        `no column "übung" \\(did you mean "${decomposed}"\\?\\) and no column "label" \\(did you mean "La bel"\\?\\)`,
      ),
    );
    const split = rows.map((row) => [...row, 'test']);
    await writeTable(split, ['image', 'label', 'Split']);
    const { about, summary } = await prepareTable();
    expect(about.splits.test.count).toBe(0);
    expect(summary.warnings).toContain(
      'products.csv has a column "Split", which is passed over. To read it, say `columns: { split: "Split" }`; else `split: false`.',
    );
    expect((await prepareTable({ columns: { split: false } })).summary.warnings).toEqual(
      summary.warnings.filter((each) => !each.includes('"Split"')),
    );
  });

  it('paths begin at the folder of the table, in any way of writing them', async () => {
    const rows = await writePhotos();
    await writeTable([
      ...rows.slice(2),
      [`./shirt/../coat/0.png`, 'coat'],
      [pathToFileURL(join(images, 'coat/1.png')).href, 'coat'],
    ]);
    expect((await namesIn(await prepareTable())).train).toEqual(rows.map(([image]) => image));
  });
});

describe('every row is used or rejected with a reason', () => {
  it('the account adds up to the rows, and the list has each with its place', async () => {
    const rows = await writePhotos();
    await write({ 'text.png': 'text', 'deep/x.png': await png(77) });
    await mkdir(join(images, 'folder.png'));
    await writeFile(join(folder, 'outside.png'), await png(3));
    await symlink(join(folder, 'outside.png'), join(images, 'link.png'));
    await writeTable([
      ...rows,
      ['lost.png', 'coat'],
      ['text.png', 'coat'],
      ['coat/1.png', ''],
      ['../outside.png', 'coat'],
      ['link.png', 'coat'],
      ['folder.png', 'coat'],
      ['coat\\0.png', 'coat'],
      ['s3://user:secret@bucket/key?secret=1', 'coat'],
      ['https://shop.example/a.png?secret=1', 'coat'],
      ['', 'coat'],
      ['deep/x.png', 'l'.repeat(301)],
    ]);
    const { summary, about, list } = await prepareTable({ maximumRejected: 20, limit: { train: 6 } });
    expect(summary.files).toEqual({ found: 19, used: 6, leftOut: 2, rejected: 11, ignored: 0 });
    expect(reasonsIn({ about })).toEqual({
      'lost.png': 'is not there',
      'text.png': 'is text, not an image',
      'coat/1.png': 'has no label',
      '../outside.png': 'leads out of the folder of the table',
      'link.png': 'is a link out of the folder of the table',
      'folder.png': 'is a folder, not a file',
      'coat\\0.png': 'is not there: folders are divided by /, not by \\',
      's3://bucket/key': 'is a URL of a kind that is not read: file:, http: and https: are (s3:)',
      'https://shop.example/a.png?(…)': 'is a URL, and `allowUrls` is not set',
      '(no image)': 'names no image',
      'deep/x.png': 'has a label of more than 300 characters',
    });
    const text = await readFile(list, 'utf8');
    expect(text).toMatch(/^what\tfile\tbytes\tmodified\twhy\trow\tclass\ntable\tproducts\.csv\t\d+\t/);
    expect(text.match(/^(train|left out by the limit|rejected)\t/gm)).toHaveLength(19);
    expect(text).toMatch(
      /^rejected\ttext\.png\t4\t\d{4}-\d\d-\d\dT[\d:.]+Z\tis text, not an image\tproducts\.csv:11\tcoat$/m,
    );
    expect(text).toMatch(/^rejected\tlost\.png\t\t\tis not there\tproducts\.csv:10\tcoat$/m);
    expect(text).not.toContain('secret');
    expect(summary.reasons).toContainEqual({ reason: 'has no label', count: 1, first: ['products.csv:12 coat/1.png'] });
    expect(summary.incomplete).toEqual([{ class: 'coat', found: 13, used: 3, rejected: 9 }]);
  });

  it('rows that say the same of one image are one; rows that contradict each other are all rejected', async () => {
    const rows = await writePhotos();
    await writeTable(
      [...rows, ...rows.slice(0, 2), ['./shirt/0.png', 'coat'], ['shirt/1.png', 'shirt', 'SKU-1']],
      ['image', 'label', 'group'],
    );
    const { about, list, summary } = await prepareTable();
    expect(about.splits.train.perClass).toEqual([4, 2]);
    expect(summary.files).toEqual({ found: 12, used: 6, leftOut: 0, rejected: 6, ignored: 0 });
    expect(about.rejected).toEqual([
      { path: 'coat/0.png', reason: 'is in another row already, which says the same of it' },
      { path: 'coat/1.png', reason: 'is in another row already, which says the same of it' },
      ...Array(2).fill({
        path: 'shirt/0.png',
        reason: 'is in 2 rows that contradict each other: label (coat, shirt)',
      }),
      ...Array(2).fill({
        path: 'shirt/1.png',
        reason: 'is in 2 rows that contradict each other: group (SKU-1, none)',
      }),
    ]);
    const text = await readFile(list, 'utf8');
    expect(text).toMatch(/^train\tcoat\/0\.png\t.*\tproducts\.csv:2\tcoat$/m);
    expect(text).toMatch(/^rejected\tcoat\/0\.png\t.*\tproducts\.csv:10\tcoat$/m);
  });

  it('too many are an error that names the first of each reason with its line', async () => {
    const rows = await writePhotos();
    await writeTable([...rows, ...Array.from({ length: 3 }, (_, at) => [`lost-${at}.png`, 'coat'])]);
    expect(await refusalOfTable({ maximumRejected: 2 })).toMatch(
      /^3 rows cannot be used, and maximumRejected is 2[\s\S]*products\.csv:10 lost-0\.png, products\.csv:11 lost-1\.png, .*: is not there/,
    );
  });

  it('a class of which no image can be used is an error', async () => {
    await writeTable([...(await writePhotos()), ['lost.png', 'dress']]);
    expect(await refusalOfTable()).toMatch(/No image is left of dress: mend the files, or remove the class/);
  });

  it('numbers that JSON cannot keep, and cells that are no text, are told so', async () => {
    const rows = await writePhotos();
    const lines = rows.map(([image], at) => ({ image, label: at % 2, group: at }));
    const bad = [
      '{"image":"a.png","label":1,"group":12345678901234567890}',
      '{"image":"b.png","label":["x"]}',
      '{"image":{"bytes":"x"},"label":1}',
      '{"image":"\\ud800.png","label":1}',
      '{"image":"c.png","label":"\\u001b[31mred"}',
    ];
    await writeFile(join(images, 'products.jsonl'), [...lines.map((each) => JSON.stringify(each)), ...bad].join('\n'));
    const prepared = await prepareTable({ path: join(images, 'products.jsonl') });
    expect(prepared.about.classes).toEqual(['0', '1']);
    expect(prepared.about.rejected.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      '(no image) has an image that holds characters that no text has',
      '(no image) has an image that is no text',
      'a.png has a group that is a number with more digits than JSON keeps: write it as a text, in quotes',
      'b.png has a label that is a list, not a text',
      'c.png has a label that holds characters that no text has',
    ]);
  });
});

describe('the splits of a table', () => {
  const heading = ['image', 'label', 'split'];

  it('are those of its column, under the names that folders may have; rows without one are in train', async () => {
    const rows = await writePhotos();
    const names = ['Test', 'val', 'train', '', 'test', 'Valid', '', 'TRAIN'];
    await writeTable(
      rows.map((row, at) => [...row, names[at]]),
      heading,
    );
    expect(await namesIn(await prepareTable({ test: 0.5, validation: 0.5 }))).toEqual({
      train: ['coat/2.png', 'coat/3.png', 'shirt/2.png', 'shirt/3.png'],
      validation: ['coat/1.png', 'shirt/1.png'],
      test: ['coat/0.png', 'shirt/0.png'],
    });
  });

  it('are drawn from train where the column names none', async () => {
    const rows = await writePhotos();
    await writeTable(
      rows.map((row) => [...row, '']),
      heading,
    );
    const { about } = await prepareTable({ test: 0.4, seed: 3 });
    expect(about.splits.test.count).toBeGreaterThan(0);
    expect(about.splits.train.count + about.splits.test.count).toBe(8);
  });

  it('of another name are a reason to reject the row', async () => {
    const rows = await writePhotos();
    await writeTable(
      rows.map((row, at) => [...row, at === 0 ? 'holdout' : 'train']),
      heading,
    );
    expect(reasonsIn(await prepareTable())).toEqual({
      'coat/0.png': 'is in none of the splits train, validation (or val, valid) and test, in any case ("holdout")',
    });
  });
});

describe('labels that cannot be classes end the step, all at once', () => {
  it('where two look the same, the test set has others, or there is one', async () => {
    const rows = await writePhotos();
    await writeTable(
      [...rows, ['a.png', 'Coat'], ['b.png', 'dress', 'test'], ['u.png', '']],
      ['image', 'label', 'split'],
    );
    const message = await refusalOfTable();
    expect(message).toMatch(/products\.csv cannot be used as it is: 2 problems/);
    expect(message).toMatch(/These labels look the same: "Coat" \(U\+0043.*\), "coat" \(U\+0063/);
    expect(message).toMatch(/The test set has labels that the training set lacks: dress/);
    expect(message).toMatch(/A table is a \.csv/);
    expect(await readFile(join(folder, 'list.tsv'), 'utf8')).toMatch(
      /^problem\t[\s\S]*^found\tcoat\/0\.png\t.*products\.csv:2\t$/m,
    );
    await writeTable(rows.slice(0, 4));
    expect(await refusalOfTable()).toMatch(/have one label; at least 2 are needed/);
  });

  it.each([
    ['it has no rows', [], /products\.csv has no rows: it needs one for each image\./],
    [
      'every row is rejected',
      [
        ['coat/0.png', ''],
        ['', 'coat'],
      ],
      /No row of products\.csv can be used: all 2 are rejected\./,
    ],
    [
      'every row is for the test',
      [
        ['coat/0.png', 'coat', 'test'],
        ['shirt/0.png', 'shirt', 'val'],
      ],
      /There is no image to train on: all 2 images are for validation or test\./,
    ],
  ])('where there is no image to train on because %s, and that is all that is said', async (_, rows, why) => {
    await writePhotos();
    await writeTable(rows, ['image', 'label', 'split']);
    const message = await refusalOfTable();
    expect(message).toMatch(why);
    expect(message).not.toMatch(/problems/);
  });

  it('where a table of JSON has no rows', async () => {
    const path = join(images, 'products.jsonl');
    await writeFile(path, '\n');
    expect(await refusalOfTable({ path })).toMatch(/products\.jsonl has no rows/);
  });

  it('parameters of a table are refused where the source is none', async () => {
    await expect(prepare({ columns: {} })).rejects.toThrow(/dataset: image-folder takes no `columns`/);
    await expect(prepare({ dataset: 'generated', path: undefined, relabels: 'x.csv' })).rejects.toThrow(
      /takes no `relabels`/,
    );
  });
});
