import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { changesSince } from '../../../datasets/index.ts';
import { folder, images, png, useImageFolders, write } from '../image-folder.ts';
import { prepareTable, table, writePhotos, writeTable } from './table.ts';

useImageFolders();

let relabels: string;
let list: string;
const origin = () => ({ dataset: 'table' as const, path: table().path, relabels });
const changes = () => changesSince(origin(), list);

beforeEach(async () => {
  await writeTable([...(await writePhotos()), ['later.png', 'coat'], ['coat/0.png', 'coat']]);
  relabels = join(folder, 'relabels.csv');
  await writeFile(relabels, 'image,label\ncoat/1.png,-\n');
  list = await readFile((await prepareTable({ relabels })).list, 'utf8');
});

describe('what has changed since a table was prepared', () => {
  it('is nothing where all is as it was', async () => {
    expect(await changes()).toEqual({ added: [], removed: [], changed: [] });
  });

  it('is the table, its corrections, and the images that they name; no other file', async () => {
    await write({ 'other.png': await png(5), 'later.png': await png(6), 'coat/0.png': await png(250) });
    await rm(join(images, 'shirt/3.png'));
    await writeFile(relabels, 'image,label\ncoat/1.png,-\ncoat/2.png,shirt\n');
    const table = join(images, 'products.csv');
    await writeFile(table, `${await readFile(table, 'utf8')}other.png,coat\n`);
    const { added, removed, changed } = await changes();
    expect([...added].sort()).toEqual(['later.png', 'other.png']);
    expect(removed).toEqual(['shirt/3.png']);
    expect([...changed].sort()).toEqual([expect.stringMatching(/\/relabels\.csv$/), 'coat/0.png', 'products.csv']);
  });

  it('cannot be told where the table is gone', async () => {
    await rm(join(images, 'products.csv'));
    await expect(changes()).rejects.toThrow(/products\.csv does not exist/);
  });
});
