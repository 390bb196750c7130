import { ContrailError } from '../../contracts/errors.ts';
import { parseJsonWithin, TooDeep } from '../../contracts/json-within.ts';
import { tableLimits } from './limits.ts';
import { placesOf, type TableRecord, type TableRequest } from './record.ts';
import { textOf } from './text.ts';

/**
 * The rows of a table with a JSON object a line. A row need not have every column; empty lines are passed over.
 *
 * @throws ContrailError InvalidDataset with the line, and the column of text, at which the table cannot be read
 */
export async function* jsonLineRecords(request: TableRequest): AsyncGenerator<TableRecord> {
  const wanted = [...request.needed, ...request.optional];
  const names = new Set<string>();
  let line = 0;
  let hasRows = false;
  for await (const text of textOf(request))
    for (const written of text.slice(0, -1).split('\n')) {
      line++;
      if (written.trim() === '') continue;
      hasRows = true;
      const row = parsed(written, `${request.name}:${line}`);
      if (names.size < tableLimits.columns) for (const column of Object.keys(row)) names.add(column);
      yield { line, cells: wanted.map((column) => (Object.hasOwn(row, column) ? row[column] : undefined)) };
    }
  // A table without rows has no columns either, and the reader says which.
  if (hasRows) placesOf([...names], request);
}

function parsed(text: string, place: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJsonWithin(text);
  } catch (error) {
    if (error instanceof TooDeep)
      throw new ContrailError(
        'InvalidDataset',
        `${place}: ${error.message}. Write the image and its label as members of the object itself.`,
      );
    const said = error instanceof Error ? error.message : '';
    const at = /position (\d+)/.exec(said)?.[1];
    throw new ContrailError(
      'InvalidDataset',
      `${place}${at === undefined ? '' : `:${Number(at) + 1}`}: this is no JSON. Each line of a .jsonl is one whole JSON object.`,
      { cause: error },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ContrailError('InvalidDataset', `${place}: this is no JSON object. Each line of a .jsonl is one.`);
}
