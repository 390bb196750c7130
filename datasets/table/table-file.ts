import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { explained } from '../../contracts/system-errors.ts';
import { lookedIn } from '../looked-in.ts';
import { tableLimits } from './limits.ts';
import type { TableFormat } from './record.ts';

/** A table that is there. */
export interface TableFile {
  /** Its folder, links resolved: what paths in it begin from. */
  readonly root: string;
  readonly path: string;
  /** Of the file. */
  readonly name: string;
  readonly format: TableFormat;
  readonly bytes: number;
  /** Of the last change, in milliseconds since 1970. */
  readonly modified: number;
}

const formats: Readonly<Record<string, TableFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  parquet: 'parquet',
};

/** How a table is made, for messages. */
export const tableShown =
  'A table is a .csv or .tsv whose first row names the columns, a .jsonl, or a .parquet; it has a row for each image, with its path from the folder of the table, and its label.';

/**
 * Finds the table that a path names.
 *
 * @throws ContrailError InvalidDataset that says what a table is
 */
export async function findTable(path: string): Promise<TableFile> {
  const invalid = (what: string, cause?: unknown) =>
    new ContrailError('InvalidDataset', `${path} ${what}\n${tableShown}`, { cause });
  const name = basename(path);
  const format = formats[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''];
  try {
    // The folder that was named, also where the file in it is a link.
    const root = await realpath(dirname(path));
    const found = await stat(join(root, name));
    if (found.isDirectory()) throw invalid('is a folder, not a table. Name the table in it.');
    if (!found.isFile()) throw invalid('is no file.');
    if (!format) throw invalid('is no table of a kind that is read: .csv, .tsv, .jsonl and .parquet are.');
    if (found.size > tableLimits.bytes)
      throw invalid(`has ${formatBytes(found.size)}; at most ${formatBytes(tableLimits.bytes)} are read.`);
    return { root, path: join(root, name), name, format, bytes: found.size, modified: found.mtimeMs };
  } catch (error) {
    const known = explained(error);
    if (!known || known.code === 'InvalidDataset') throw error;
    if (known.code === 'TooManyOpenFiles' || known.code === 'OutOfMemory') throw error;
    if (known.code === 'FileMissing' || known.code === 'NotAFolder')
      throw invalid(`does not exist on the worker's machine.${lookedIn(path)}`, error);
    throw invalid(`cannot be read. ${known.message}`, error);
  }
}

/**
 * The SHA-256 of a table that was read just now, in hexadecimal.
 *
 * @throws ContrailError InvalidDataset where it has changed since it was found
 */
export async function digestOfTable({ path, name, bytes, modified }: TableFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  const now = await stat(path);
  if (now.size !== bytes || now.mtimeMs !== modified)
    throw new ContrailError('InvalidDataset', `${name} changed while it was read. Prepare it again.`);
  return hash.digest('hex');
}

/** Where a row is: `products.csv:17`, or `products.parquet row 17`. */
export const placeOf = ({ name, format }: Pick<TableFile, 'name' | 'format'>, line: number): string =>
  format === 'parquet' ? `${name} row ${line}` : `${name}:${line}`;
