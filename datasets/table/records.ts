import { ContrailError } from '../../contracts/errors.ts';
import { csvRecords } from './csv.ts';
import { jsonLineRecords } from './json-lines.ts';
import { tableLimits } from './limits.ts';
import { parquetRecords } from './parquet.ts';
import type { TableFormat, TableRecord, TableRequest } from './record.ts';

const readers: Readonly<Record<TableFormat, (request: TableRequest) => AsyncGenerator<TableRecord>>> = {
  csv: csvRecords,
  tsv: csvRecords,
  jsonl: jsonLineRecords,
  parquet: parquetRecords,
};

/**
 * The rows of a table, in their order.
 *
 * @throws ContrailError InvalidDataset that says where the table cannot be read
 */
export async function* recordsOf(
  request: TableRequest,
  mostRows: number = tableLimits.rows,
): AsyncGenerator<TableRecord> {
  let rows = 0;
  for await (const record of readers[request.format](request)) {
    if (++rows > mostRows)
      throw new ContrailError(
        'InvalidDataset',
        `${request.name} has more than ${mostRows} rows. Divide it, and prepare the parts by steps of their own.`,
      );
    yield record;
  }
}
