import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { ofCell } from '../../contracts/spreadsheet.ts';
import { delimiterOf } from './delimiter.ts';
import { tableLimits } from './limits.ts';
import { placesOf, type TableRecord, type TableRequest } from './record.ts';
import { textOf } from './text.ts';

/**
 * The rows of a table whose first row names the columns. Cells may be quoted, and then hold delimiters, line breaks and doubled
 * quotes; an apostrophe before what a spreadsheet would take for a formula is not part of a text. Rows without any text are passed over.
 *
 * @throws ContrailError InvalidDataset with the line at which the table cannot be read
 */
export async function* csvRecords(request: TableRequest): AsyncGenerator<TableRecord> {
  let line = 1;
  const pieces = textOf(request);
  // A piece has whole lines, and the heading is in the first.
  const first = await pieces.next();
  const parser = parse({
    delimiter: request.format === 'tsv' ? '\t' : delimiterOf(first.done ? '' : first.value),
    // Many programs write tabs without quoting anything.
    relax_quotes: request.format === 'tsv',
    relax_column_count: true,
    record_delimiter: '\n',
    max_record_size: tableLimits.rowBytes,
    // The parser's own count is of the lines that it has read. The line that a row begins in goes before its cells.
    on_record: (cells: string[]) => {
      const begin = line;
      line += 1 + cells.reduce((sum, cell) => sum + breaksIn(cell), 0);
      return [String(begin), ...cells];
    },
  });
  // What goes wrong reaches the loop below, which reads the parser.
  pipeline(Readable.from(following(first, pieces)), parser, () => {});
  let places: readonly number[] | null = null;
  let columns = 0;
  try {
    for await (const [begin, ...written] of parser as AsyncIterable<readonly string[]>) {
      const cells = written.map(ofCell);
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (!places) {
        columns = cells.length;
        places = placesOf(
          cells.map((cell) => cell.trim()),
          request,
        );
      } else if (cells.length === columns)
        yield { line: Number(begin), cells: places.map((at) => (at < 0 ? '' : cells[at])) };
      else yield { line: Number(begin), cells: `has ${times(cells.length, 'cell')}, and the heading has ${columns}` };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ContrailError('InvalidDataset', `${request.name}:${line}: ${meaningOf(error)}`, { cause: error });
  }
  if (!places) throw new ContrailError('InvalidDataset', `${request.name} is empty: it has not even a heading.`);
}

async function* following<T>(first: IteratorResult<T, unknown>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

function breaksIn(cell: string): number {
  let breaks = 0;
  for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) breaks++;
  return breaks;
}

function meaningOf(error: CsvError): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote of this row is never closed.';
    case 'CSV_MAX_RECORD_SIZE':
      return `the row is longer than ${formatBytes(tableLimits.rowBytes)}: a quote of it may not be closed.`;
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a quote is within a cell: put the whole cell into quotes, and double those in it.';
    default:
      return `the row cannot be read (${error.message}).`;
  }
}
