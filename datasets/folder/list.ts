import { asCell, ofCell } from '../../contracts/spreadsheet.ts';
import { keyOf } from '../account.ts';
import type { PreparationOptions } from '../source.ts';
import type { Line } from './line.ts';
import { momentOf, momentText } from './moment.ts';
import type { FoundFile, Rejected } from './walk.ts';

/** What a list of files is made from. `place`: where a table names the file. */
export interface Listed {
  /** Rows of a table are listed with where they are. */
  readonly of?: 'files' | 'rows';
  /** What the labels of rows are called. */
  readonly classes?: readonly string[];
  /** What is listed before all others: a table, say. */
  readonly sources?: readonly Line[];
  readonly files: readonly (FoundFile & { readonly place?: string; readonly label?: number })[];
  /** What became of a file that was not rejected. */
  readonly fateOf: (file: FoundFile) => string;
  readonly rejected: readonly (Rejected & { readonly place?: string; readonly label?: number })[];
  /** What is listed after the files. */
  readonly others?: readonly Line[];
  readonly ignored: Readonly<Record<string, number>>;
  /** What keeps the whole from being understood. */
  readonly problems?: readonly string[];
}

const heading = ['what', 'file', 'bytes', 'modified', 'why'];

/**
 * Writes what became of every file of a folder, or of every row of a table, one line each, for a person, a spreadsheet, and for
 * finding out later what has changed.
 *
 * @returns where it is; null where the caller keeps no lists
 */
export async function writeList({ keepList }: PreparationOptions, listed: Listed): Promise<string | null> {
  return keepList ? keepList(encoded(listed)) : null;
}

function* encoded(listed: Listed): Generator<Uint8Array> {
  const ofRows = listed.of === 'rows';
  const encode = (lines: readonly string[]) => new TextEncoder().encode(`${lines.join('\n')}\n`);
  let lines = [[...heading, ...(ofRows ? ['row', 'class'] : [])].join('\t')];
  const classOf = (label: number | undefined) => listed.classes?.[label ?? -1] ?? '';
  for (const { what, path = '', bytes = '', modified, why = '', place = '', label } of linesOf(listed)) {
    const row = ofRows ? [cell(place), cell(classOf(label))] : [];
    // What was fetched has no time.
    const changed = modified ? momentText(modified) : '';
    lines.push([what, cell(path), bytes, changed, cell(why), ...row].join('\t'));
    if (lines.length < linesAtOnce) continue;
    yield encode(lines);
    lines = [];
  }
  if (lines.length > 0) yield encode(lines);
}

function* linesOf({
  sources = [],
  files,
  fateOf,
  rejected,
  others = [],
  ignored,
  problems = [],
}: Listed): Generator<Line> {
  const reasons = new Map(rejected.map((each) => [keyOf(each), each.reason]));
  const known = new Set(files.map(keyOf));
  for (const why of problems) yield { what: 'problem', why };
  yield* sources;
  for (const file of files) {
    const why = reasons.get(keyOf(file));
    yield { ...file, ...(why === undefined ? { what: fateOf(file) } : { what: 'rejected', why }) };
  }
  for (const each of rejected) if (!known.has(keyOf(each))) yield { ...each, what: 'rejected', why: each.reason };
  yield* others;
  for (const [of, count] of Object.entries(ignored)) yield { what: 'ignored', why: `${count} left behind by ${of}` };
}

const linesAtOnce = 2000;

/** As a spreadsheet takes it for text; where it would break the line, as a JSON string. */
function cell(written: string): string {
  const text = asCell(written);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they break lines
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029"]/.test(text) ? JSON.stringify(text) : text;
}

/** A file as an earlier list has it. */
export interface ListedFile {
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly modified: number;
}

/** A line of a list: what became of a file, or what keeps the whole from being understood. */
export interface ListLine {
  readonly what: string;
  /** Empty where the line is no file's. */
  readonly path: string;
  readonly bytes: string;
  readonly modified: string;
  readonly why: string;
  /** The class of a table's row; empty where it is not known. */
  readonly class: string;
}

/** Whether a list is of the rows of a table. */
export const listsRows = (text: string): boolean => text.slice(0, text.indexOf('\n')).split('\t').includes('row');

/** Reads a list again, line by line. */
export function* readLines(text: string): Generator<ListLine> {
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const [what = '', path = '', bytes = '', modified = '', why = '', , name = ''] = line.split('\t');
    yield { what, path: uncell(path), bytes, modified, why: uncell(why), class: uncell(name) };
  }
}

const uncell = (text: string): string => ofCell(text.startsWith('"') ? unquoted(text) : text);

/** A person may have opened a list and saved it: what is no JSON string then is the text as it stands there. */
function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** Reads a list again: the files by path. Lines that are no file's are left out. */
export function readList(text: string): ReadonlyMap<string, ListedFile> {
  const files = new Map<string, ListedFile>();
  for (const { path, bytes, modified } of readLines(text))
    if (path !== '' && bytes !== '') files.set(path, { bytes: Number(bytes), modified: momentOf(modified) });
  return files;
}
