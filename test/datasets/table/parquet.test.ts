/**
 * The files in parquet/ are as pyarrow 26 (snappy, in row groups of three) and polars 2.1 (zstd) write them:
 * image, label, group (whole numbers), price, of the eight photos of `writePhotos`.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRowFacts } from '../../../datasets/row-facts.ts';
import { images, useImageFolders } from '../image-folder.ts';
import { prepareTable, refusalOfTable, writePhotos, writeTable } from './table.ts';

useImageFolders();

const fixture = (name: string) => fileURLToPath(new URL(`parquet/${name}`, import.meta.url));

describe('a Parquet file', () => {
  it.each(['pyarrow-snappy.parquet', 'polars-zstd.parquet'])('is read as other programs write it: %s', async (name) => {
    const rows = await writePhotos();
    const path = join(images, 'products.parquet');
    await copyFile(fixture(name), path);
    const { about, ref, store } = await prepareTable({ path });
    expect(about.splits.train.perClass).toEqual([4, 4]);
    expect(await readRowFacts(store, ref, 'train')).toEqual(
      rows.map(([image], at) => ({ name: image, group: String(at) })),
    );
  });

  it('names rows by their number, and columns that are missing', async () => {
    await writePhotos();
    const path = join(images, 'products.parquet');
    await copyFile(fixture('pyarrow-snappy.parquet'), path);
    const columns = { image: 'label', label: 'image' };
    expect(await refusalOfTable({ path, columns, maximumRejected: 0 })).toMatch(/products\.parquet row 1 coat/);
    expect(await refusalOfTable({ path, columns: { label: 'class' } })).toMatch(
      /no column "class"\. Its columns are "image", "label", "group", "price"/,
    );
  });

  it('that is cut off or damaged is refused', async () => {
    const bytes = await readFile(fixture('pyarrow-snappy.parquet'));
    const path = join(images, 'products.parquet');
    await writeFile(path, bytes.subarray(0, -40));
    expect(await refusalOfTable({ path })).toMatch(/products\.parquet cannot be read as Parquet/);
    await writeFile(path, Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(200, 0x5a), bytes.subarray(204)]));
    expect(await refusalOfTable({ path })).toMatch(/products\.parquet cannot be read as Parquet/);
  });
});

describe('a large table', () => {
  it('is read in a thread, to the same data set, with the same errors', async () => {
    const rows = await writePhotos();
    await writeTable(rows);
    const small = await prepareTable();
    await writeTable(
      rows.map((row) => [...row, 'x'.repeat(40_000)]),
      ['image', 'label', 'note'],
    );
    const large = await prepareTable();
    expect(large.ref).toEqual(small.ref);
    expect(large.summary.table?.sha256).not.toBe(small.summary.table?.sha256);
    expect(await refusalOfTable({ columns: { label: 'class' } })).toMatch(/no column "class"/);
  });
});
