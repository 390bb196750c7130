import type { FileHandle } from 'node:fs/promises';
import { csvLine } from '../../contracts/spreadsheet.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import { bytesOf } from '../../store/index.ts';
import { type Embeddings, eachShard } from './output.ts';

const columns = ['name', 'label', 'group', 'category', 'split', 'source'] as const;

/**
 * Writes embeddings as NumPy reads them, float32 [images, dimension], and beside them a CSV of the names in the same order.
 *
 * The format is that of NEP 1, version 1.0.
 */
export async function writeNpy(
  { values: valuesFile, names }: { readonly values: FileHandle; readonly names: FileHandle },
  embeddings: Embeddings,
): Promise<void> {
  const { count, dimension } = embeddings.about;
  await valuesFile.writeFile(npyHeader('<f4', [count, dimension]));
  await names.writeFile(csvLine(columns.map((name) => (name === 'source' ? 'sha256' : name))));
  for await (const { rows, values } of eachShard(embeddings)) {
    await valuesFile.writeFile(bytesOf(values));
    await names.writeFile(rows.map(lineOf).join(''));
  }
}

/** Magic, version, and a dictionary of Python that is filled up with spaces to a multiple of 64. */
export function npyHeader(dtype: '<f4' | '<i4', shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const before = 10;
  const length = Math.ceil((before + text.length + 1) / 64) * 64 - before;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, length & 255, length >> 8]);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1')]);
}

const lineOf = (row: VectorRow) => csvLine(columns.map((name) => row[name] ?? ''));
