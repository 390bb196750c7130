import type { ListedFile } from '../folder/list.ts';
import type { FoundFile } from '../folder/walk.ts';
import { inOrder } from '../in-order.ts';
import { locate } from './locate.ts';
import { openTable, type TableParameters } from './open-table.ts';

/**
 * The files that a table is prepared from: itself, its corrections, and the images that it names. Nothing is fetched: what a URL gave is
 * as it was.
 *
 * @param before what was known of the files when it was prepared
 * @throws ContrailError InvalidDataset where it cannot be read here
 */
export async function filesOfTable(
  parameters: TableParameters,
  before: ReadonlyMap<string, ListedFile>,
): Promise<readonly FoundFile[]> {
  const { file, corrections, rows } = await openTable(parameters);
  const files: FoundFile[] = [{ ...file, path: file.name }, ...(corrections ? [corrections] : [])];
  const wanted = rows.flatMap((row) => (row.is === 'rejected' ? [] : [row]));
  const find = async ({ name, source }: (typeof wanted)[number]): Promise<FoundFile | null> => {
    const kept = before.get(name);
    if (source.is === 'url') return kept ? { path: name, ...kept } : null;
    const found = await locate(file.root, name);
    return 'reason' in found ? null : found;
  };
  for await (const found of inOrder(wanted, find)) if (found) files.push(found);
  return files;
}
