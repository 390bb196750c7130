import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { adoptDataset, readLabelMatrix, readRowFacts } from '../../../datasets/index.ts';
import { createDatasetWriter, type DatasetOptions, type GivenImage } from '../../../pipelines/dataset.ts';
import { openStore } from '../../../store/index.ts';
import { folder, images, useImageFolders } from '../image-folder.ts';
import { prepareTable, reasonsIn, refusalOfTable, writePhotos, writeTable } from './table.ts';

useImageFolders();

const heading = ['image', 'label', 'colour', 'type'];
const columns = { labels: ['colour', 'type'] };

/** Eight photos, each with a colour and a type; a cell in three of them is empty, both cells in one. */
async function writeLabelled(names = heading) {
  const photos = await writePhotos();
  const colours = ['red', ' blue ', '', 'red', 'blue', '', 'red', 'blue'];
  const types = ['plain', 'plain', 'print', '', 'print', '', 'plain', 'print'];
  const rows = photos.map((row, at) => [...row, colours[at], types[at]]);
  await writeTable(rows, names);
  return rows;
}

const labelsIn = async ({ store, ref }: Pick<Awaited<ReturnType<typeof prepareTable>>, 'store' | 'ref'>) =>
  ((await readRowFacts(store, ref, 'train')) ?? []).map(({ labels }) => labels);

const ofPhotos = [
  { colour: 'red', type: 'plain' },
  { colour: 'blue', type: 'plain' },
  { type: 'print' },
  { colour: 'red' },
  { colour: 'blue', type: 'print' },
  {},
  { colour: 'red', type: 'plain' },
  { colour: 'blue', type: 'print' },
];

describe('a table with several labels of an image', () => {
  it('keeps them with the rows, without those of empty cells, and names their columns', async () => {
    await writeLabelled();
    const prepared = await prepareTable({ columns });
    expect(prepared.about.labels).toEqual(['colour', 'type']);
    expect(prepared.about.classes).toEqual(['coat', 'shirt']);
    expect(await labelsIn(prepared)).toEqual(ofPhotos);
  });

  it('numbers the labels of each column by their bytes, and -1 where there is none', async () => {
    await writeLabelled();
    const { store, ref } = await prepareTable({ columns });
    const { names, values } = await readLabelMatrix(store, ref, 'train');
    expect(names).toEqual(['colour', 'type']);
    // blue, red; plain, print
    expect([...values]).toEqual([1, 0, 0, 0, -1, 1, 1, -1, 0, 1, -1, -1, 1, 0, 0, 1]);
  });

  it('gives the data set that it gave before where no labels are asked for', async () => {
    const rows = await writeLabelled();
    const unread = await prepareTable();
    expect(unread.about).not.toHaveProperty('labels');
    await writeTable(rows.map((row) => row.slice(0, 2)));
    expect((await prepareTable()).ref).toEqual(unread.ref);
  });

  it('has a digest that follows from the labels, and not from the order of the rows', async () => {
    const rows = await writeLabelled();
    const { ref } = await prepareTable({ columns });
    await writeTable([...rows].reverse(), heading);
    expect((await prepareTable({ columns })).ref).toEqual(ref);
    await writeTable([...rows.slice(0, 7), [...(rows[7] ?? []).slice(0, 3), 'plain']], heading);
    expect((await prepareTable({ columns })).ref).not.toEqual(ref);
  });

  it('reads numbers and missing cells of JSON lines as it reads text', async () => {
    const lines = (await writePhotos()).map(([image, label], at) =>
      JSON.stringify({ image, label, size: at % 2, ...(at < 2 ? { colour: 'red' } : {}) }),
    );
    await writeFile(join(images, 'products.jsonl'), lines.join('\n'));
    const prepared = await prepareTable({
      path: join(images, 'products.jsonl'),
      columns: { labels: ['colour', 'size'] },
    });
    expect((await labelsIn(prepared)).slice(0, 3)).toEqual([
      { colour: 'red', size: '0' },
      { colour: 'red', size: '1' },
      { size: '0' },
    ]);
  });

  it('may have the label or the group among them; a corrected label is corrected there as well', async () => {
    await writeLabelled(['image', 'label', 'group', 'type']);
    await writeFile(join(images, 'fixes.csv'), 'image,label\ncoat/0.png,shirt\n');
    const prepared = await prepareTable({
      columns: { labels: ['label', 'group'] },
      relabels: join(images, 'fixes.csv'),
    });
    expect(prepared.about.splits.train.perClass).toEqual([3, 5]);
    expect((await readRowFacts(prepared.store, prepared.ref, 'train'))?.slice(0, 2)).toEqual([
      { name: 'coat/0.png', group: 'red', labels: { label: 'shirt', group: 'red' } },
      { name: 'coat/1.png', group: 'blue', labels: { label: 'coat', group: 'blue' } },
    ]);
  });

  it('rejects a row whose label is too long, and rows that contradict each other in one', async () => {
    const rows = await writeLabelled();
    await writeTable(
      [...rows.slice(1), ['coat/0.png', 'coat', 'l'.repeat(301), ''], ['coat/1.png', 'coat', '', 'plain']],
      heading,
    );
    expect(reasonsIn(await prepareTable({ columns }))).toEqual({
      'coat/0.png': 'has a colour of more than 300 characters',
      'coat/1.png': 'is in 2 rows that contradict each other: "colour" (blue, none)',
    });
  });

  it('ends the step where two labels of one column look the same, or a column is not there', async () => {
    const rows = await writeLabelled();
    await writeTable([...rows.slice(1), ['coat/0.png', 'coat', 'Red', 'plain']], heading);
    expect(await refusalOfTable({ columns })).toMatch(
      /These labels of "colour" look the same: "(Red|red)" \(U\+00[57]2.*, "(Red|red)"/,
    );
    expect(await refusalOfTable({ columns: { labels: ['colour', 'fit'] } })).toMatch(/has no column "fit"/);
  });

  it('takes 1 to 8 different columns', () => {
    const isTaken = (labels: readonly string[]) =>
      prepareDataParameters.safeParse({ dataset: 'table', columns: { labels } }).success;
    const names = Array.from({ length: 9 }, (_, at) => `c${at}`);
    expect([names.slice(0, 1), names.slice(0, 8)].map(isTaken)).toEqual([true, true]);
    expect([[], names, ['a', 'a'], ['__proto__'], ['constructor'], ['']].map(isTaken)).toEqual(Array(6).fill(false));
  });
});

describe('a data set with several labels that a step writes', () => {
  const output = () => join(folder, 'output');
  const write = async (options: Partial<DatasetOptions>, given: readonly GivenImage[]) => {
    const writer = createDatasetWriter(output(), {
      classes: ['coat', 'shirt'],
      name: 'products.csv',
      validation: 0,
      test: 0,
      ...options,
    });
    await writer.addAll(given);
    return writer.finish();
  };
  const photos = async (): Promise<GivenImage[]> =>
    (await writePhotos()).map(([image = '', label = ''], at) => ({
      class: label,
      name: image,
      file: join(images, image),
      // In another order than that of the writer.
      labels: Object.fromEntries(Object.entries(ofPhotos[at] ?? {}).reverse()),
    }));

  it('is that of a table with the same labels, byte for byte, and the store takes it', async () => {
    await writeLabelled();
    const { ref } = await prepareTable({ columns });
    const written = await write({ labels: ['colour', 'type'] }, await photos());
    expect(written.digest).toBe(ref.digest);
    const store = openStore(join(folder, 'adopted'));
    const adopted = await adoptDataset(store, output(), {});
    expect(adopted.ref).toEqual(ref);
    expect(await labelsIn({ store, ref })).toEqual(ofPhotos);
  });

  it('refuses a label of what the writer does not name', async () => {
    await expect(write({ labels: ['colour'] }, await photos())).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/coat\/0\.png cannot be added: the data set has no labels of "type"/),
    });
  });
});
