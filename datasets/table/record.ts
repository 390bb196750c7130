import { ContrailError } from '../../contracts/errors.ts';
import { visible } from '../../contracts/visible-text.ts';
import { likeness } from '../folder/class-names.ts';

/** A row as a table has it. */
export interface TableRecord {
  /** The line that it begins in, from 1; of a Parquet file the number of the row, from 1. */
  readonly line: number;
  /** The cells of the columns that are read, in their order; or why the row cannot be taken apart. */
  readonly cells: readonly unknown[] | string;
}

/** A table that is being read, and what is wanted of it. */
export interface TableRequest {
  /** Where it is. */
  readonly path: string;
  /** What to call it in messages. */
  readonly name: string;
  readonly format: TableFormat;
  /** Columns that must be there. */
  readonly needed: readonly string[];
  /** Columns that need not be there; their cells follow those of the needed ones. */
  readonly optional: readonly string[];
  /** What to do where a needed column is missing, in a sentence. */
  readonly advice: string;
  /** Told what the columns are called, once they are known. */
  readonly onColumns?: (names: readonly string[]) => void;
}

export type TableFormat = 'csv' | 'tsv' | 'jsonl' | 'parquet';

/** How many columns a message names. */
const mostNamed = 30;

/**
 * Where the columns that are wanted stand.
 *
 * @returns the place of each, -1 for an optional one that is not there
 * @throws ContrailError InvalidDataset that names the columns that are missing, and those that there are
 */
export function placesOf(names: readonly string[], request: TableRequest): readonly number[] {
  const { name, needed, optional, advice } = request;
  const missing = needed.filter((column) => !names.includes(column));
  const shown = names.slice(0, mostNamed).map((each) => `"${visible(each)}"`);
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  const [only = ''] = names;
  const divided = names.length === 1 ? [';', '\t', '|'].find((mark) => only.includes(mark)) : undefined;
  if (missing.length > 0)
    throw new ContrailError(
      'InvalidDataset',
      `${name} has no column ${missing.map((each) => `"${visible(each)}"${didYouMean(alikeTo(each, names))}`).join(' and no column ')}. Its columns are ${names.length === 0 ? 'none' : shown.join(', ')}${more}. ${advice}${
        divided === undefined
          ? ''
          : ` Its cells seem to be divided by ${JSON.stringify(divided)}: cells of a .csv are divided by commas, semicolons or tabs, those of a .tsv by tabs.`
      }`,
    );
  const wanted = [...needed, ...optional];
  const twice = wanted.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice !== undefined)
    throw new ContrailError('InvalidDataset', `${name} has several columns "${visible(twice)}": rename all but one.`);
  request.onColumns?.(names);
  return wanted.map((column) => names.indexOf(column));
}

/** Columns that a person would call by the same name: they differ in case, spaces or Unicode form alone. */
export function alikeTo(column: string, names: readonly string[]): readonly string[] {
  const key = (name: string) => likeness(name).replaceAll(' ', '');
  return names.filter((name) => name !== column && key(name) === key(column));
}

const didYouMean = (alike: readonly string[]): string =>
  alike.length === 0 ? '' : ` (did you mean ${alike.map((each) => `"${visible(each)}"`).join(' or ')}?)`;
