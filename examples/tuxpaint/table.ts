import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csvOf } from '../../contracts/spreadsheet.ts';
import { writeWhole } from '../packages/write-whole.ts';

/** Folders that say how something is drawn, or which case a letter has, not what it is. */
const styles = new Set(['cartoon', 'toys', 'plastic']);

/**
 * Makes the table of the stamps: a row for each picture, with the kind of thing that it shows as its label (`animals/birds`), and the
 * folder that the kind lies in as its category (`animals`). Folders further down (`animals/mammals/cats`) belong to their kind; what lies in
 * a category itself is a kind of its own.
 *
 * @param stamps the folder of the stamps
 * @param folder where the table is written
 * @param prefix the path from there to the stamps
 * @returns the table, and how many rows and kinds it has
 * @throws Error where there is no picture
 */
export async function makeTable(
  stamps: string,
  folder: string,
  prefix: string,
): Promise<{ readonly table: string; readonly rows: number; readonly kinds: number }> {
  const files = await readdir(stamps, { recursive: true });
  const pictures = files.map((path) => path.split('\\').join('/')).filter((path) => path.endsWith('.png'));
  const rows = pictures.sort().map((path) => [`${prefix}/${path}`, kindOf(path), path.split('/')[0] ?? '']);
  if (rows.length === 0) throw new Error(`There is no picture in ${stamps}.`);
  const table = join(folder, 'stamps.csv');
  await writeWhole(table, csvOf(['image', 'label', 'category'], rows));
  return { table, rows: rows.length, kinds: new Set(rows.map(([, kind]) => kind)).size };
}

/** The first two folders of a picture's path, without those that name a style. */
export function kindOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders
    .filter((name) => !styles.has(name))
    .slice(0, 2)
    .join('/');
}
