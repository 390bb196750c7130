import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from '../engine/target.ts';

/** Files that pyarrow, polars and others wrote, with every way to compress and encode a column. */
const written = fileURLToPath(new URL('../../datasets/table/parquet', import.meta.url));
const mark = Buffer.from('PAR1');

/** Tables in Parquet. Each is read as the thread that reads them does. */
export const parquet: Target = {
  name: 'parquet',
  reads: 'tables in Parquet',
  form: 'bytes',
  tokens: ['PAR1', 'image', 'label'],
  // The length of the metadata, and the mark at the end.
  repair: (input) => {
    if (input.length < 12) return input;
    const copy = Buffer.from(input);
    mark.copy(copy, 0);
    mark.copy(copy, copy.length - 4);
    if (copy.readUInt32LE(copy.length - 8) > copy.length - 12)
      copy.writeUInt32LE(Math.floor((copy.length - 12) / 2), copy.length - 8);
    return copy;
  },
  open: async ({ folder }) => {
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const { findTable } = await import('../../../datasets/table/table-file.ts');
    const { readRows } = await import('../../../datasets/table/rows.ts');
    const { columnsOf } = await import('../../../datasets/table/columns.ts');
    const seeds = [
      ...(await Promise.all((await readdir(written)).map((name) => readFile(join(written, name))))),
      ...(['UNCOMPRESSED', 'SNAPPY'] as const).map((codec) =>
        Buffer.from(
          parquetWriteBuffer({
            columnData: [
              { name: 'image', data: ['a.png', 'b.png', 'c.png'], type: 'STRING' },
              { name: 'label', data: ['coat', 'shirt', 'coat'], type: 'STRING' },
              { name: 'group', data: [1, 2, 3], type: 'INT32' },
            ],
            codec,
          }),
        ),
      ),
    ];
    const path = join(folder, 'table.parquet');
    return {
      seeds: seeds.filter(({ length }) => length < 64 * 2 ** 10),
      run: async (input) => {
        await writeFile(path, input);
        const file = await findTable(path);
        const { rows } = await readRows({ file, columns: columnsOf(), allowUrls: true, relabels: null });
        const reason = rows.flatMap((row) => (row.is === 'rejected' ? [row.reason] : []))[0];
        return `${rows.length} rows, ${reason ?? ''}`;
      },
    };
  },
};
