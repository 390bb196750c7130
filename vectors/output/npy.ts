import type { FileHandle } from 'node:fs/promises';
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
  await valuesFile.writeFile(headerOf(embeddings.about));
  await names.writeFile(`${columns.map((name) => (name === 'source' ? 'sha256' : name)).join(',')}\n`);
  for await (const { rows, values } of eachShard(embeddings)) {
    await valuesFile.writeFile(bytesOf(values));
    await names.writeFile(rows.map(lineOf).join(''));
  }
}

/** Magic, version, and a dictionary of Python that is filled up with spaces to a multiple of 64. */
function headerOf({ count, dimension }: Embeddings['about']): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, ${dimension}), }`;
  const before = 10;
  const length = Math.ceil((before + text.length + 1) / 64) * 64 - before;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, length & 255, length >> 8]);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1')]);
}

const lineOf = (row: VectorRow) => `${columns.map((name) => cell(row[name] ?? '')).join(',')}\n`;

const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
