import type { PreparationOptions } from '../source.ts';
import type { FoundFile, Rejected } from './walk.ts';

/** What a list of files is made from. */
export interface Listed {
  readonly files: readonly FoundFile[];
  /** What became of a file that was not rejected. */
  readonly fateOf: (file: FoundFile) => string;
  readonly rejected: readonly Rejected[];
  readonly ignored: Readonly<Record<string, number>>;
  /** What keeps the whole from being understood. */
  readonly problems?: readonly string[];
}

const heading = 'what\tfile\tbytes\tmodified\twhy';

/**
 * Writes what became of every file of a folder, one line each, for a person, a spreadsheet, and for finding out later what
 * has changed.
 *
 * @returns where it is; null where the caller keeps no lists
 */
export async function writeList({ keepList }: PreparationOptions, listed: Listed): Promise<string | null> {
  return keepList ? keepList(linesOf(listed)) : null;
}

function* linesOf({ files, fateOf, rejected, ignored, problems = [] }: Listed): Generator<Uint8Array> {
  const reasons = new Map(rejected.map(({ path, reason }) => [path, reason]));
  /** Rejected before they were found to be of a class. */
  const others = new Map(reasons);
  const encode = (lines: readonly string[]) => new TextEncoder().encode(`${lines.join('\n')}\n`);
  yield encode([heading]);
  let lines = problems.map((problem) => ['problem', '', '', '', cell(problem)].join('\t'));
  for (const file of files) {
    const reason = reasons.get(file.path);
    others.delete(file.path);
    const what = reason === undefined ? fateOf(file) : 'rejected';
    lines.push([what, cell(file.path), file.bytes, file.modified, cell(reason ?? '')].join('\t'));
    if (lines.length < linesAtOnce) continue;
    yield encode(lines);
    lines = [];
  }
  for (const [path, reason] of others) lines.push(['rejected', cell(path), '', '', cell(reason)].join('\t'));
  for (const [of, count] of Object.entries(ignored))
    lines.push(['ignored', '', '', '', cell(`${count} left behind by ${of}`)].join('\t'));
  if (lines.length > 0) yield encode(lines);
}

const linesAtOnce = 2000;

/** As it is, unless it would break the line or be taken for a formula; then as a JSON string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they break lines
const cell = (text: string) => (/[\x00-\x1f\x7f-\x9f\u2028\u2029"]|^[=+\-@]/.test(text) ? JSON.stringify(text) : text);

/** A file as an earlier list has it. */
export interface ListedFile {
  readonly bytes: number;
  readonly modified: number;
}

/** Reads a list again: the files by path. Lines that are no file's are left out. */
export function readList(text: string): ReadonlyMap<string, ListedFile> {
  const files = new Map<string, ListedFile>();
  for (const line of text.split('\n').slice(1)) {
    const [, name = '', bytes = '', modified = ''] = line.split('\t');
    if (name === '' || bytes === '') continue;
    files.set(name.startsWith('"') ? String(JSON.parse(name)) : name, {
      bytes: Number(bytes),
      modified: Number(modified),
    });
  }
  return files;
}
