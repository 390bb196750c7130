import { ContrailError } from '../../../contracts/errors.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { jsonSize } from '../../../contracts/json-size.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import type { Plan } from '../../../contracts/plan.ts';
import type { Path } from '../problems/problems.ts';

/**
 * `${params.<name>…}`, `${steps.<id>.result.<field>…}`, `${matrix.<name>…}`, `${sweep.<name>…}` or `${run.<name>}`; of a program, `${inputs.<name>}`
 * or `${outputs.<name>}`, which stay until it starts.
 *
 * The id of a step may name one of a matrix, as in `${steps.pretrain@seed=1.result.loss}`.
 */
export type Reference =
  | { readonly of: (typeof roots)[number]; readonly path: readonly string[] }
  | { readonly of: 'steps'; readonly step: string; readonly path: readonly string[] };

const roots = ['params', 'matrix', 'sweep', 'run', 'inputs', 'outputs'] as const;
const pattern = /\$\{([^}]*)\}/g;
const isPath = (parts: readonly string[]) => parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part));

/** Reads the text between `${` and `}`; null when it is not a reference. */
export function parseReference(text: string): Reference | null {
  const [, step, rest] = /^steps\.([A-Za-z0-9_-]+(?:@[A-Za-z0-9=,._-]+?)?)\.result((?:\..*)?)$/.exec(text.trim()) ?? [];
  if (step !== undefined) {
    const path = rest ? rest.slice(1).split('.') : [];
    return isPath(path) ? { of: 'steps', step, path } : null;
  }
  const [root, ...path] = text.trim().split('.');
  const of = roots.find((each) => each === root);
  return of !== undefined && path.length > 0 && isPath(path) ? { of, path } : null;
}

/** A reference as it is written. */
export const formatReference = (reference: Reference): string =>
  reference.of === 'steps'
    ? `\${${['steps', reference.step, 'result', ...reference.path].join('.')}}`
    : `\${${[reference.of, ...reference.path].join('.')}}`;

/** The reference that a text is, if it is one and nothing else. */
export function wholeReference(value: Json | undefined): Reference | null {
  const inner = typeof value === 'string' ? /^\$\{([^}]*)\}$/.exec(value)?.[1] : undefined;
  return inner === undefined ? null : parseReference(inner);
}

/** Every reference in a value, with the path of the text that holds it. Text that is not a reference comes as null. */
export function findReferences(
  value: Json,
  path: Path = [],
): { readonly path: Path; readonly text: string; readonly reference: Reference | null }[] {
  if (typeof value === 'string')
    return [...value.matchAll(pattern)].map(([, inner = '']) => ({
      path,
      text: inner,
      reference: parseReference(inner),
    }));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    findReferences(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/**
 * Replaces references by what they name. Text that is one reference takes the type of what it names; a reference inside
 * other text becomes text. `lookup` may leave a reference in place by returning undefined.
 */
export function substitute(value: Json, lookup: (reference: Reference) => Json | undefined): Json {
  if (typeof value === 'string') {
    const reference = wholeReference(value);
    if (reference) {
      const found = lookup(reference);
      return found === undefined ? value : found;
    }
    return value.replace(pattern, (original, inner: string) => {
      const named = parseReference(inner);
      const found = named ? lookup(named) : undefined;
      return found === undefined ? original : typeof found === 'string' ? found : JSON.stringify(found);
    });
  }
  if (Array.isArray(value)) return value.map((member: Json) => substitute(member, lookup));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substitute(member, lookup)]));
}

/** What references are replaced by is more than is allowed. */
export class TooLarge extends Error {
  constructor(
    readonly limit: number,
    /** What is, as the beginning of a sentence. */
    readonly what = 'with what its references name, this step has',
  ) {
    super(`more than ${formatBytes(limit)}`);
  }
}

/** A look-up for `substitute` that gives up once all that it gave is larger than a limit. @throws TooLarge */
export function within(
  limit: number,
  lookup: (reference: Reference) => Json | undefined,
): (reference: Reference) => Json | undefined {
  let left = limit;
  return (reference) => {
    const found = lookup(reference);
    if (found !== undefined) left -= jsonSize(found, left);
    if (left < 0) throw new TooLarge(limit);
    return found;
  };
}

/** What a path names in a value; undefined when there is nothing. */
export function lookUp(value: Json | undefined, path: readonly string[]): Json | undefined {
  let at = value;
  for (const part of path) at = isMapping(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  return at;
}

/** What else references can name while a run goes on. */
export interface RunContext {
  /** The steps of each matrix: a reference to the matrix is the list of all their results. */
  readonly matrices?: Plan['matrices'];
  /** What `${matrix.…}` names, for an item of a list; values that stand in the file are filled in before. */
  readonly matrix?: Readonly<Record<string, Json>> | undefined;
  /** What `${run.…}` names. */
  readonly run?: Readonly<Record<string, Json>>;
  /** What a result that is not there gives: an error (as a rule), or null (in steps of `onFailure` and `finally`). */
  readonly missing?: 'error' | 'null';
}

/**
 * Fills in the results of finished steps.
 *
 * @throws ContrailError InvalidInput for a result that is not there
 * @throws TooLarge where all that is filled in is more than Temporal could ever take
 */
export function resolveResults(
  value: Json,
  results: Readonly<Record<string, Json>>,
  { matrices = {}, matrix: values = {}, run = {}, missing = 'error' }: RunContext = {},
): Json {
  const resultOf = (step: string, path: readonly string[]): Json => {
    const found = lookUp(results[step], path);
    if (found !== undefined) return found;
    if (missing === 'null') return null;
    throw new ContrailError(
      'InvalidInput',
      `Step ${step} has no result${path.length > 0 ? ` ${path.join('.')}` : ''}.`,
    );
  };
  return substitute(
    value,
    within(neverSent, (reference) => {
      if (reference.of === 'run') return lookUp({ ...run }, reference.path) ?? null;
      if (reference.of === 'matrix') return lookUp({ ...values }, reference.path);
      if (reference.of !== 'steps') return undefined;
      const { step, path } = reference;
      const matrix = matrices[step];
      if (!matrix) return resultOf(step, path);
      // With the failures of some tolerated, the list is that of the others.
      const isShort = matrix.tolerate !== undefined && missing === 'error';
      const members = isShort ? matrix.members.filter((each) => results[each] !== undefined) : matrix.members;
      return members.map((member) => resultOf(member, path));
    }),
  );
}

/** Above this no version could send a step's parameters; it keeps texts from growing without end. */
const neverSent = 4 * limits.sentBytes;
