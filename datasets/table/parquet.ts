import { brotliDecompressSync, gunzipSync, inflateRawSync } from 'node:zlib';
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { explained } from '../../contracts/system-errors.ts';
import { tableLimits } from './limits.ts';
import { checkPages } from './parquet-pages.ts';
import { placesOf, type TableRecord, type TableRequest } from './record.ts';

/** Node's own stop at the length that a page says; those of the library go on, and some for ever where the bytes are damaged. */
const unpackers: Compressors = {
  ...compressors,
  GZIP: (input, length) =>
    input[0] === 0x1f && input[1] === 0x8b
      ? gunzipSync(input, { maxOutputLength: Math.max(1, length) })
      : inflateRawSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
};

/**
 * The rows of a Parquet file; no other columns are read than those that are wanted. In memory is one row group of them.
 *
 * It decompresses and decodes as it goes, so it belongs into a thread of its own.
 *
 * @throws ContrailError InvalidDataset for a file that is no Parquet, is damaged, or has too large row groups
 */
export async function* parquetRecords(request: TableRequest): AsyncGenerator<TableRecord> {
  const { path, name } = request;
  const file = await asyncBufferFromFile(path);
  const metadata = await understood(name, () => parquetMetadataAsync(file));
  const names = await understood(name, async () =>
    parquetSchema(metadata).children.map(({ element: { name: column } }) => {
      // The library believes what the metadata say.
      if (typeof column !== 'string') throw new Error('a column has no name');
      return column;
    }),
  );
  const places = placesOf(names, request);
  const columns = names.filter((_, at) => places.includes(at));
  await understood(name, async () => refuseLargeGroups(metadata, columns, name));
  await understood(name, () => checkPages(file, metadata, columns, unpackers));
  const scan = await understood(name, () => parquetScan({ file, metadata, columns, compressors: unpackers }));
  for (const range of scan.ranges) {
    const cells = new Map<string, ArrayLike<unknown>>();
    for (const column of columns)
      cells.set(column, await understood(name, () => scan.readColumn({ column, ...range })));
    for (let row = 0; row < range.rowEnd - range.rowStart; row++)
      yield {
        line: range.rowStart + row + 1,
        cells: places.map((at) => (at < 0 ? undefined : cells.get(names[at] ?? '')?.[row])),
      };
  }
}

function refuseLargeGroups({ row_groups }: FileMetaData, columns: readonly string[], name: string): void {
  for (const { columns: chunks } of row_groups) {
    const bytes = chunks
      .filter(({ meta_data }) => columns.includes(meta_data?.path_in_schema[0] ?? ''))
      .reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0);
    if (bytes > tableLimits.rowGroupBytes)
      throw new ContrailError(
        'InvalidDataset',
        `${name} has a row group of ${formatBytes(bytes)} in the columns that are read; at most ${formatBytes(tableLimits.rowGroupBytes)} are. Write it with smaller row groups.`,
      );
  }
}

/** What the library says of a file that it does not understand, as an error that is final. */
async function understood<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const known = explained(error);
    if (isContrailError(known)) throw error;
    const said = error instanceof Error ? error.message.split('\n')[0]?.slice(0, 200) : String(error);
    throw new ContrailError('InvalidDataset', `${name} cannot be read as Parquet: ${said}.`, { cause: error });
  }
}
