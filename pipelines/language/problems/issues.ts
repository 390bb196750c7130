import type { z } from 'zod';
import { keySuggestion, suggestion } from './nearest.ts';
import type { Path } from './problems.ts';

type Issue = z.core.$ZodIssue;

/** A mistake that zod found, in our words. */
export interface SchemaProblem {
  readonly path: Path;
  /** The path names a key that should not be there, rather than a value. */
  readonly onKey: boolean;
  readonly message: string;
}

/**
 * Says what zod found so that a person knows what to write instead.
 *
 * @param value what was validated
 * @param keysAt the keys that are allowed at a path, to suggest the nearest
 */
export function describeIssues(
  issues: readonly Issue[],
  value: unknown,
  keysAt: (path: Path) => readonly string[],
): SchemaProblem[] {
  return issues.flatMap((issue): SchemaProblem[] => {
    const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol');
    const name = nameAt(path);
    const found = valueAt(value, path);
    const here = (message: string): SchemaProblem[] => [{ path, onKey: false, message }];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({
          path: [...path, key],
          onKey: true,
          message: `unknown key ${key}${keySuggestion(key, keysAt(path))}`,
        }));
      case 'invalid_type':
        return here(
          found === undefined
            ? `${name} is missing`
            : `${name} must be ${typeNames[issue.expected] ?? issue.expected}, not ${describeValue(found)}`,
        );
      case 'invalid_value':
        return here(
          `${name} must be ${oneOf(issue.values)}, not ${describeValue(found)}${typeof found === 'string' ? nearestOf(found, issue.values) : ''}`,
        );
      case 'too_small':
        return here(
          `${name} must be ${sizeWord(issue.origin)}${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, not ${describeSize(found)}`,
        );
      case 'too_big':
        return here(
          `${name} must be ${sizeWord(issue.origin)}${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, not ${describeSize(found)}`,
        );
      case 'invalid_union':
        return describeUnion(issue, path, value, keysAt);
      case 'invalid_key':
        return [{ path, onKey: true, message: `${name} ${issue.issues[0]?.message ?? 'is not a valid key'}` }];
      default:
        return here(`${name} ${issue.message}`);
    }
  });
}

/** Of the alternatives, speaks of the one that fits best: the one whose mistakes lie deepest. */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  value: unknown,
  keysAt: (path: Path) => readonly string[],
): SchemaProblem[] {
  const found = valueAt(value, path);
  const name = nameAt(path);
  const branches = issue.errors.map((branch) =>
    branch.map((each) => ({ ...each, path: [...path, ...each.path] }) as Issue),
  );
  const depth = (branch: readonly Issue[]) =>
    Math.max(0, ...branch.map((each) => each.path.length + (each.code === 'unrecognized_keys' ? 1 : 0)));
  const deepest = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
  if (deepest && depth(deepest) > path.length) return describeIssues(deepest, value, keysAt);
  // Of alternatives that a name tells apart, zod lists the names.
  const named = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const choices = [
    ...named,
    ...branches.flat().flatMap((each) => (each.code === 'invalid_value' ? each.values.map(String) : [])),
  ];
  if (choices.length > 0 && typeof found === 'string') {
    const takesMapping = branches.flat().some((each) => each.code === 'invalid_type' && each.expected === 'object');
    // Where there are several words, the mapping is one of them with its settings.
    const [key] = choices.length === 1 && takesMapping ? keysAt(path) : [];
    const mapping = key === undefined ? '' : ` or { ${key}: … }`;
    return [
      {
        path,
        onKey: false,
        message: `${name} must be ${oneOf(choices)}${mapping}, not ${describeValue(found)}${nearestOf(found, choices)}`,
      },
    ];
  }
  const expected = branches
    .flat()
    .flatMap((each) =>
      each.code === 'invalid_type'
        ? (typeNames[each.expected] ?? each.expected)
        : each.code === 'invalid_value'
          ? oneOf(each.values)
          : each.message,
    );
  if (expected.length === 0)
    return [
      {
        path,
        onKey: false,
        message:
          found === undefined
            ? `${name} is missing${named.length > 0 ? `; it is ${oneOf(named)}` : ''}`
            : named.length > 0
              ? `${name} must be ${oneOf(named)}, not ${describeValue(found)}`
              : `${name} is ${describeValue(found)}, which is not one of its choices`,
      },
    ];
  return [
    {
      path,
      onKey: false,
      message: `${name} must be ${[...new Set(expected)].join(' or ')}, not ${describeValue(found)}`,
    },
  ];
}

/** What stands at a path, as people call it: `batch`, or `item 2 of blocks`. */
function nameAt(path: Path): string {
  const last = path.at(-1);
  return typeof last === 'number' ? `item ${last + 1} of ${nameAt(path.slice(0, -1))}` : (last ?? 'the file');
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function nearestOf(found: string, values: readonly unknown[]): string {
  const hint = suggestion(found, values.map(String));
  return hint.includes('did you mean') ? hint : '';
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;

const sizeWord = (origin: string) => (origin === 'string' || origin === 'array' ? 'of length ' : '');
const describeSize = (value: unknown) =>
  Array.isArray(value) || typeof value === 'string' ? value.length : describeValue(value);

export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path)
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[part] : undefined;
  return at;
}
