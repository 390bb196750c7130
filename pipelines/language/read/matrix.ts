import { canonicalJson, isMapping, type Json } from '../../../contracts/json.ts';
import { limits } from '../../../contracts/limits.ts';
import { textDigest } from '../expressions/text-digest.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Path } from '../problems/problems.ts';

/** The values of one of a matrix, by name. */
export type Combination = Readonly<Record<string, Json>>;

/** A mistake in a matrix, by its path inside `matrix`. */
export interface MatrixProblem {
  readonly path: Path;
  readonly onKey: boolean;
  readonly message: string;
}

const maximumCombinations = limits.matrixCombinations;
const maximumValuesLength = 120;

/**
 * Every combination of the lists of a matrix, as GitHub Actions makes them: the last list changes fastest; `exclude`
 * takes away those that have all of its values; each of `include` adds its values to the combinations whose own values
 * it does not change, and where there is none it is a combination of its own.
 */
export function combinationsOf(matrix: Readonly<Record<string, Json>>): {
  readonly combinations: readonly Combination[];
  readonly problems: readonly MatrixProblem[];
} {
  const problems: MatrixProblem[] = [];
  const at = (path: Path, message: string) => problems.push({ path, onKey: false, message });
  const { include = [], exclude = [], ...axes } = matrix;
  const lists: [string, Json[]][] = [];
  for (const [name, values] of Object.entries(axes)) {
    if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name))
      problems.push({
        path: [name],
        onKey: true,
        message: `the matrix value ${JSON.stringify(name)} must be letters, digits, dashes, underscores`,
      });
    if (!Array.isArray(values)) at([name], `${name} must be a list of the values to try`);
    else if (values.length === 0) at([name], `${name} is empty; at least one value is needed`);
    else lists.push([name, values]);
  }
  const size = lists.reduce((product, [, values]) => product * values.length, 1);
  if (size > maximumCombinations)
    at([], `the matrix has ${size} combinations; at most ${maximumCombinations} are allowed`);
  if (problems.length > 0) return { combinations: [], problems };

  // Each value is written down once, however often it is compared.
  const texts = new Map<Json, string>();
  const textOf = (value: Json) => {
    const known = texts.get(value) ?? canonicalJson(value);
    texts.set(value, known);
    return known;
  };
  const isEqual = (a: Json | undefined, b: Json) =>
    a === b || (typeof a === 'object' && typeof b === 'object' && textOf(a) === textOf(b));
  const excluded = mapsIn(exclude, 'exclude', at);
  for (const [index, each] of excluded.entries())
    for (const name of Object.keys(each))
      if (!Object.hasOwn(axes, name))
        problems.push({
          path: ['exclude', index, name],
          onKey: true,
          message: `the matrix has no list ${name}${suggestion(name, Object.keys(axes))}`,
        });
  let combinations: { base: Combination; values: Record<string, Json> }[] = [{}]
    .slice(lists.length > 0 ? 0 : 1)
    .map((base) => ({ base, values: {} }));
  for (const [name, values] of lists)
    combinations = combinations.flatMap(({ base }) =>
      values.map((value) => ({ base: { ...base, [name]: value }, values: { ...base, [name]: value } })),
    );
  const exclusions = excluded.map((each) => Object.entries(each));
  combinations = combinations.filter(
    ({ base }) => !exclusions.some((each) => each.every(([name, value]) => isEqual(base[name], value))),
  );
  const originals = [...combinations];
  let valueCount = lists.length * originals.length;
  for (const added of mapsIn(include, 'include', at)) {
    const values = Object.entries(added);
    const fitting = originals.filter(({ base }) =>
      values.every(([name, value]) => !Object.hasOwn(base, name) || isEqual(base[name], value)),
    );
    valueCount += values.length * Math.max(1, fitting.length);
    if (valueCount > limits.matrixValues) {
      at(
        [],
        `the combinations of the matrix have more than ${limits.matrixValues} values together, which is the limit`,
      );
      break;
    }
    for (const each of fitting) Object.assign(each.values, added);
    if (fitting.length === 0) combinations.push({ base: added, values: { ...added } });
  }
  if (combinations.length === 0 && problems.length === 0)
    at([], 'the matrix has no combination; it needs a list of values, or include');
  if (combinations.length > maximumCombinations)
    at([], `the matrix has ${combinations.length} combinations; at most ${maximumCombinations} are allowed`);
  if (problems.length > 0) return { combinations: [], problems };
  const found = combinations.map(({ values }) => values);
  const seen = new Map<string, Combination>();
  for (const values of found) {
    if (seen.has(canonicalJson(values))) at([], `the matrix has this combination twice: ${describe(values)}`);
    seen.set(canonicalJson(values), values);
  }
  return { combinations: problems.length > 0 ? [] : found, problems };
}

function mapsIn(list: Json, key: string, at: (path: Path, message: string) => void): { [key: string]: Json }[] {
  if (!Array.isArray(list)) {
    at([key], `${key} must be a list of mappings, such as [{ seed: 1 }]`);
    return [];
  }
  if (list.length > maximumCombinations) {
    at([key], `${key} has ${list.length} mappings; at most ${maximumCombinations} are allowed`);
    return [];
  }
  return list.flatMap((each, index) => {
    if (isMapping(each) && Object.keys(each).length > 0) return [each];
    at([key, index], `each of ${key} must be a mapping from names to values, such as { seed: 1 }`);
    return [];
  });
}

const asText = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value));

export const describe = (values: Combination): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${asText(value)}`)
    .join(', ');

/**
 * The ids of the steps of a matrix: `pretrain@seed=0,rate=0.1`. A mapping or a list is its words, `loss=triplet-margin-soft`, in an order that
 * does not depend on how it is written. Where these would not be ids, or not be different, mappings carry a digest of what they are;
 * where there is none, the steps are numbered: `pretrain@0`.
 */
export function memberIds(id: string, combinations: readonly Combination[]): string[] {
  const plain = combinations.map((values) => textOfValues(values, wordsOf));
  const isStructured = combinations.some((values) => Object.values(values).some((value) => isComposed(value)));
  const texts =
    areIds(plain) || !isStructured ? plain : combinations.map((values) => textOfValues(values, namedByDigest));
  const usable = areIds(texts);
  return combinations.map((_, index) => `${id}@${usable ? texts[index] : index}`);
}

const textOfValues = (values: Combination, wordsFor: (value: Json) => string): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${isComposed(value) ? wordsFor(value) : inId(asText(value))}`)
    .join(',');

const areIds = (texts: readonly string[]): boolean =>
  new Set(texts).size === texts.length &&
  // A reference ends the id at `.result`.
  texts.every((text) => text.length <= maximumValuesLength && !text.includes('.result'));

const isComposed = (value: Json): boolean => typeof value === 'object' && value !== null;
const inId = (text: string) => text.replace(/[^A-Za-z0-9._-]+/g, '-');

/** Its keys and values, each by what of it an id can have. */
function wordsOf(value: Json): string {
  const words = (each: Json): readonly string[] =>
    Array.isArray(each)
      ? each.flatMap(words)
      : isMapping(each)
        ? Object.keys(each)
            .sort()
            .flatMap((key) => [key, ...words(each[key] ?? null)])
        : [asText(each)];
  return words(value).map(inId).join('-') || 'empty';
}

const mostWords = 24;
const namedByDigest = (value: Json): string =>
  `${wordsOf(value).replaceAll('.result', '-result').slice(0, mostWords)}-${textDigest(canonicalJson(value))}`;
