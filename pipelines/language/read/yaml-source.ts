import { type Document, isAlias, isNode, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import { reportInYaml } from '../problems/places.ts';
import { addProblem, type Problem, type Report } from '../problems/problems.ts';
import { problemWithValue } from './plain-value.ts';

/** A text, and what to call it in messages. */
export interface PipelineSource {
  readonly text: string;
  readonly file: string;
}

/** Reads one YAML document. Null where there is none that could be looked at; the mistakes are then in `problems`. */
export function readYaml(
  { text, file }: PipelineSource,
  problems: Problem[],
): { readonly value: unknown; readonly report: Report } | null {
  const add = (place: { line: number; column: number }, message: string) => {
    addProblem(problems, { file, ...place, message });
    return null;
  };
  const top = { line: 1, column: 1 };
  if (text.length > limits.fileBytes)
    return add(top, `the file is larger than ${formatBytes(limits.fileBytes)}, which is the limit`);
  const deep = tooDeep(text);
  if (deep !== null) return add(placeOf(text, deep), nestingMessage);
  const lines = new LineCounter();
  let documents: ReturnType<typeof parseAllDocuments>;
  try {
    documents = withoutStacks(() =>
      parseAllDocuments(text, {
        lineCounter: lines,
        uniqueKeys: false,
        prettyErrors: false,
        // The library would warn of some keys by itself, beside what is said here.
        logLevel: 'error',
      }),
    );
  } catch (error) {
    return add(top, isOfStack(error) ? nestingMessage : `not valid YAML: ${String(error)}`);
  }
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (!document) return add(top, 'the file is empty; a pipeline needs name and steps');
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  for (const error of document.errors)
    add(placeAt(error.pos[0]), isOfStack(error) ? nestingMessage : `not valid YAML: ${error.message}`);
  // A tag that nobody reads, or another version of YAML.
  for (const warning of document.warnings) add(placeAt(warning.pos[0]), `not plain YAML: ${warning.message}`);
  for (const offset of keysThereTwice(document)) add(placeAt(offset), 'this key is there twice');
  if (second) {
    return add(placeAt(second.range?.[0] ?? 0), 'only one document is allowed in a file');
  }
  const noKeys = keysThatAreNone(document);
  for (const offset of noKeys) add(placeAt(offset), 'a key must be a word or a number, not a list or a mapping');
  if (document.errors.length + document.warnings.length + noKeys.length > 0) return null;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: limits.aliases });
  } catch (error) {
    if (error instanceof RangeError) return add(top, nestingMessage);
    const message = error instanceof Error ? error.message : String(error);
    return add(
      top,
      /excessive alias count/i.test(message)
        ? `aliases (*) are used too often, or multiply what they stand for; at most ${limits.aliases} are allowed`
        : message,
    );
  }
  const report = reportInYaml({ document, lines, text }, file, problems);
  const problem = problemWithValue(value);
  if (!problem) return { value, report };
  report.at(problem.path, problem.message);
  return null;
}

/** The library's recursion ends with the stack, which it may tell as a mistake of the text. */
const isOfStack = (error: unknown): boolean =>
  error instanceof RangeError || (error instanceof Error && /call stack/i.test(error.message));

/** For work that makes an error for each of many mistakes: to write down where in the program each was made takes longer than all the rest. */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Where lists and mappings stand as keys. The library would write them out as texts, which takes for ever where they lie in each other. */
function keysThatAreNone(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Pair: (_, { key }) => {
      const meant = isAlias(key) ? key.resolve(document) : key;
      if (meant === null || meant === undefined || isScalar(meant)) return undefined;
      found.push((isNode(key) ? key.range?.[0] : undefined) ?? 0);
      return visit.SKIP;
    },
  });
  return found;
}

/** Where keys stand that their mapping has already. The library's own search takes a time that grows with the square of them. */
function keysThereTwice(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push(key.range?.[0] ?? 0);
        seen.add(key.value);
      }
    },
  });
  return found;
}

const nestingMessage = `lists and mappings lie too deep in each other; at most ${limits.nesting} are allowed`;

/** Where brackets lie so deep that the library takes seconds for them, if they do. */
function tooDeep(text: string): number | null {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    if (depth > bracketsInFile) return at;
  }
  return null;
}

/** More than lists may lie in each other, since brackets also stand in texts. */
const bracketsInFile = 10_000;

function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
