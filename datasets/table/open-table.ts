import type { PrepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { columnsOf } from './columns.ts';
import { findRelabels } from './relabels.ts';
import { findTable } from './table-file.ts';
import { readRowsAside } from './thread/index.ts';

/** What a table is read by. */
export type TableParameters = Pick<PrepareDataParameters, 'columns' | 'allowUrls' | 'relabels'> & {
  readonly path: string;
};

/**
 * Finds a table and its corrections, and reads its rows.
 *
 * @throws ContrailError InvalidDataset where it cannot be read here
 */
export async function openTable({ path, columns, allowUrls = false, relabels }: TableParameters, signal?: AbortSignal) {
  const file = await findTable(path);
  const corrections = relabels === undefined ? null : await findRelabels(relabels);
  const request = { file, columns: columnsOf(columns), allowUrls, relabels: corrections };
  return { file, corrections, ...(await readRowsAside(request, signal)) };
}
