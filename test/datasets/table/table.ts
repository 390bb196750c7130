import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRowFacts } from '../../../datasets/row-facts.ts';
import { images, png, prepare, refusal, write } from '../image-folder.ts';

type Row = readonly (string | undefined)[];

/** Writes `products.csv` beside the images, as rows of cells. */
export async function writeTable(rows: readonly Row[], heading: Row = ['image', 'label'], name = 'products.csv') {
  const line = (cells: Row) =>
    heading
      .map((_, at) => cells[at] ?? '')
      .map((cell) => `"${cell.replaceAll('"', '""')}"`)
      .join(',');
  const path = join(images, name);
  await writeFile(path, `${[heading, ...rows].map(line).join('\n')}\n`);
  return path;
}

/** Photos of two classes, four each, all different: `coat/0.png` … */
export async function writePhotos(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [at, label] of ['coat', 'shirt'].entries())
    for (let index = 0; index < 4; index++) {
      await write({ [`${label}/${index}.png`]: await png(100 * at + 10 * index) });
      rows.push([`${label}/${index}.png`, label]);
    }
  return rows;
}

export const table = (params: object = {}) => ({ dataset: 'table', path: join(images, 'products.csv'), ...params });
export const prepareTable = (params: object = {}, options: Parameters<typeof prepare>[1] = {}) =>
  prepare(table(params), options);
export const refusalOfTable = (params: object = {}) => refusal(table(params));

/** Why each image that is not used is not, by its name. */
export const reasonsIn = ({ about }: Pick<Awaited<ReturnType<typeof prepare>>, 'about'>) =>
  Object.fromEntries(about.rejected.map(({ path, reason }) => [path, reason]));

/** The names of the images of each split. */
export async function namesIn({ store, ref, about }: Awaited<ReturnType<typeof prepare>>) {
  const names: Record<string, string[]> = {};
  for (const split of ['train', 'validation', 'test'] as const)
    if (about.splits[split].count > 0)
      names[split] = ((await readRowFacts(store, ref, split)) ?? []).map(({ name }) => name);
  return names;
}
