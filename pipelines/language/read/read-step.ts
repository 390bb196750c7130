import type { CodeRef } from '../../../contracts/artifacts.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { jsonSize } from '../../../contracts/json-size.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import type { OwnKind } from '../../../contracts/own-kind.ts';
import type { ListSource } from '../../../contracts/plan.ts';
import {
  findReferences,
  formatReference,
  lookUp,
  type Reference,
  substitute,
  TooLarge,
  wholeReference,
  within,
} from '../expressions/references.ts';
import { describeIssues, describeValue } from '../problems/issues.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Path } from '../problems/problems.ts';
import { type StepDefinition, stepDefinitionSchema } from './definition.ts';
import { type Combination, combinationsOf, describe, memberIds } from './matrix.ts';
import { problemWithSweepReference } from './sweep-steps.ts';
import { baseOf, type WrittenStep } from './written.ts';

/** A step as written; where it is the user's own, it `uses` own, and this is what it is. */
export type KnownDefinition = StepDefinition & {
  readonly own?: OwnKind | undefined;
  readonly code?: CodeRef | undefined;
};

/** One step of the plan. */
export interface Member {
  readonly id: string;
  /** Of a matrix: its values. */
  readonly values: Combination | null;
  readonly definition: KnownDefinition;
}

/** A step whose outline is right, with params and matrix values filled in. */
export interface ReadStep {
  readonly written: WrittenStep;
  /** The first member's: what does not depend on the matrix is the same in all. */
  readonly definition: KnownDefinition;
  /** One for each of a matrix; the step itself where there is none. */
  readonly members: readonly Member[];
  /** The step whose matrix the values are of: this one, or another. */
  readonly root: string | null;
  /** Where the items of the matrix come from while the run goes on; the one member then stands for all. */
  readonly list?: ListSource | undefined;
}

const keysAt = (path: Path) =>
  path[0] === 'retry'
    ? Object.keys(stepDefinitionSchema.shape.retry.unwrap().shape)
    : Object.keys(stepDefinitionSchema.shape);

/** Reads every step; those whose outline is wrong are left out, and what is wrong reported. */
export function readSteps(steps: readonly WrittenStep[]): Map<string, ReadStep> {
  const filled: Filled = { left: limits.allFilledBytes };
  const texts = new Map(steps.map((written) => [written.id, { written, text: withParams(written, filled) }]));
  const found = new Map<string, ReadStep | null>();
  const tally: Tally = { planned: 0, bytes: 0 };
  const read = (id: string, trail: readonly string[]): ReadStep | null => {
    const known = found.get(id);
    if (known !== undefined) return known;
    const step = texts.get(id);
    if (!step) return null;
    const { written, text } = step;
    if (!isMapping(written.value)) {
      const { path, scope } = written;
      scope.report.at(path, `${path.at(-1)} must be a mapping with uses, not ${describeValue(written.value)}`);
      found.set(id, null);
      return null;
    }
    // What is too large was told already.
    if (text === null) return null;
    const result = readStep(written, text, tally, (name) => {
      const target = written.scope.idOf(name);
      return target === null || [...trail, id].includes(target) ? target : (read(target, [...trail, id]) ?? target);
    });
    found.set(id, result);
    return result;
  };
  const readable = steps.map(({ id }) => read(id, [])).filter((step) => step !== null);
  return new Map(readable.map((step) => [step.written.id, step]));
}

const isProgram = (step: Json) => isMapping(step) && step.uses === 'run';

/** Checks every reference of a step by what it may name, and fills in the params. */
function withParams(written: WrittenStep, filled: Filled): Json {
  const { value, path, role, scope } = written;
  const { report, params } = scope;
  const keyOf = (inner: Path) => inner[path.length];
  const matrix = isMapping(value) ? value.matrix : undefined;
  for (const { path: inner, text, reference } of findReferences(value, path)) {
    const say = (message: string) => report.at(inner, message);
    if (keyOf(inner) === 'when') say(`when is an expression: write ${text.trim() || 'params.x'} without \${ and }`);
    else if (!reference)
      say(`\${${text}} is not a reference; write \${params.<name>} or \${steps.<id>.result.<field>}`);
    else if (reference.of === 'params') {
      if (lookUp({ ...params }, reference.path) === undefined)
        say(`there is no param ${reference.path.join('.')}${suggestion(reference.path[0] ?? '', Object.keys(params))}`);
    } else if (reference.of === 'matrix') {
      if (matrix === undefined) say('${matrix.…} is for steps that have a matrix; this one has none');
      else if (['matrix', 'uses', 'needs', 'maxParallel'].includes(String(keyOf(inner))))
        say(`${keyOf(inner)} cannot depend on the matrix`);
    } else if (reference.of === 'sweep') {
      const problem = problemWithSweepReference(written, reference.path, keyOf(inner) === 'with');
      if (problem) say(problem);
    } else if (reference.of === 'run') {
      if (role === 'step') say('${run.…} is for steps of onFailure and finally');
      else if (!['id', 'state', 'error'].includes(reference.path.join('.')))
        say(`a run has no ${reference.path.join('.')}; there are \${run.id}, \${run.state} and \${run.error}`);
      else if (keyOf(inner) !== 'with') say('${run.…} can be used in with only');
    } else if (reference.of === 'inputs' || reference.of === 'outputs') {
      const part = String(inner[path.length + 1]);
      if (!isProgram(value) || keyOf(inner) !== 'with' || !['command', 'env'].includes(part))
        say(`\${${reference.of}.…} is for command and env of steps that use run`);
    } else if (keyOf(inner) === 'matrix') {
      if (listIn(matrix) === null) say(`a matrix over a list of a result has one name, such as ${listExample}`);
    } else if (keyOf(inner) !== 'with') say('results of steps can be used in with only');
  }
  // Told at the step before.
  if (filled.left < 0) return null;
  return filledIn(renamed(value, scope.idOf), { path, scope }, (reference) => {
    const found = reference.of === 'params' ? lookUp({ ...params }, reference.path) : undefined;
    if (found !== undefined) filled.left -= jsonSize(found, limits.filledBytes);
    if (filled.left < 0) throw new TooLarge(limits.allFilledBytes, 'the params filled in so far have');
    return found;
  });
}

/** What the params that are filled in may still have, in all steps together. */
interface Filled {
  left: number;
}

/** The step with references replaced; null, and told, where that makes it too large. */
function filledIn(
  text: Json,
  { path, scope: { report } }: Pick<WrittenStep, 'path' | 'scope'>,
  lookup: (reference: Reference) => Json | undefined,
): Json | null {
  try {
    return substitute(text, within(limits.filledBytes, lookup));
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    report.atKey(path, `${error.what} ${error.message}, which is the limit`);
    return null;
  }
}

const fill = (written: WrittenStep, text: Json, values: Combination) =>
  filledIn(text, written, (reference) =>
    reference.of === 'matrix' ? lookUp({ ...values }, reference.path) : undefined,
  );

/** References by the ids that steps have in the whole pipeline. */
const renamed = (value: Json, idOf: (name: string) => string | null): Json =>
  substitute(value, (reference) => {
    if (reference.of !== 'steps') return undefined;
    const base = baseOf(reference.step);
    return formatReference({ ...reference, step: (idOf(base) ?? base) + reference.step.slice(base.length) });
  });

function readStep(
  written: WrittenStep,
  text: Json,
  tally: Tally,
  stepNamed: (name: string) => ReadStep | string | null,
): ReadStep | null {
  const { id, path, scope } = written;
  const { report } = scope;
  const matrix = isMapping(text) ? text.matrix : undefined;
  // Told before.
  if (isOver(tally)) return null;
  const combinations = matrix === undefined ? null : readMatrix(written, matrix, stepNamed);
  if (combinations?.list) return readListed(written, text, combinations, tally);
  const each = combinations ? [...combinations.values] : [null];
  if (!fits(written, text, each.length, tally)) return null;
  const ids = combinations ? memberIds(id, combinations.values) : [id];
  const members: Member[] = [];
  let isWrong = false;
  for (const [index, values] of each.entries()) {
    // The matrix itself is read with the first: it would be read as often as it has combinations.
    const own = index === 0 ? text : withoutMatrix(text);
    const filled = values ? fill(written, own, values) : text;
    if (filled === null) return null;
    if (values) isWrong = reportUnfilled(written, own, values) || isWrong;
    const parsed = stepDefinitionSchema.safeParse(filled);
    if (parsed.success) members.push({ id: ids[index] ?? id, values, definition: parsed.data });
    else {
      isWrong = true;
      for (const { path: inner, onKey, message } of describeIssues(parsed.error.issues, filled, keysAt))
        if (matrix === undefined || combinations || !dependsOnMatrix(text, inner))
          (onKey ? report.atKey : report.at)([...path, ...inner], message);
    }
    if (isWrong) break;
  }
  const [first] = members;
  if (isWrong || !first || (matrix !== undefined && !combinations)) return null;
  if (!combinations)
    for (const key of ['maxParallel', 'tolerate'] as const)
      if (first.definition[key] !== undefined)
        report.atKey([...path, key], `${key} limits the steps of a matrix; this step has no matrix`);
  return { written, definition: first.definition, members, root: combinations?.root ?? null };
}

/** A step whose items are not known yet: one member stands for all of them, with what refers to the item left as it is. */
function readListed(written: WrittenStep, text: Json, { list, root }: Combinations, tally: Tally): ReadStep | null {
  const { id, path, scope } = written;
  const own = withoutMatrix(text);
  if (!list || !fits(written, text, 1, tally)) return null;
  let isWrong = false;
  for (const { path: inner, reference } of findReferences(own, path)) {
    if (reference?.of !== 'matrix') continue;
    const [name = ''] = reference.path;
    const message =
      name !== list.name
        ? `the matrix has no value ${name}${suggestion(name, [list.name])}`
        : inner[path.length] === 'with'
          ? null
          : `${inner[path.length]} cannot depend on the item of a list that is not known yet`;
    if (message) scope.report.at(inner, message);
    isWrong ||= message !== null;
  }
  if (isWrong) return null;
  const parsed = stepDefinitionSchema.safeParse(own);
  if (!parsed.success)
    for (const { path: inner, onKey, message } of describeIssues(parsed.error.issues, own, keysAt))
      (onKey ? scope.report.atKey : scope.report.at)([...path, ...inner], message);
  if (!parsed.success) return null;
  return { written, definition: parsed.data, members: [{ id, values: null, definition: parsed.data }], root, list };
}

function withoutMatrix(text: Json): Json {
  if (!isMapping(text)) return text;
  const { matrix: _, ...rest } = text;
  return rest;
}

/** Steps of the plan so far, and what stands in them. */
interface Tally {
  planned: number;
  bytes: number;
}

/** Counts the steps of the plan that a step is, before they are made. */
function fits({ path, scope: { report } }: WrittenStep, text: Json, members: number, tally: Tally): boolean {
  const [hadPlanned, hadBytes] = [tally.planned, tally.bytes];
  tally.planned += members;
  if (isMapping(text)) tally.bytes += members * jsonSize(text.with ?? null);
  // Told once: those that come after are too many as well.
  if (tally.planned > limits.plannedSteps && hadPlanned <= limits.plannedSteps)
    report.atKey(
      path,
      `with its matrix, this makes ${tally.planned} steps so far; at most ${limits.plannedSteps} are allowed`,
    );
  else if (tally.bytes > limits.planBytes && hadBytes <= limits.planBytes)
    report.atKey(
      path,
      `with this step, its matrix and params, the plan has ${formatBytes(tally.bytes)} so far; at most ${formatBytes(limits.planBytes)} are allowed`,
    );
  return !isOver(tally);
}

const isOver = ({ planned, bytes }: Tally) => planned > limits.plannedSteps || bytes > limits.planBytes;

/** Whether what stands at a path is the matrix, or refers to it: where that is wrong, this cannot be judged. */
const dependsOnMatrix = (text: Json, path: Path) =>
  path[0] === 'matrix' ||
  findReferences(text).some(
    ({ path: at, reference }) =>
      reference?.of === 'matrix' && at.every((part, index) => index >= path.length || path[index] === part),
  );

interface Combinations {
  readonly values: readonly Combination[];
  readonly root: string;
  readonly list?: ListSource | undefined;
}

/** The combinations of a matrix, or of that of the step it names. Null when that is wrong. */
function readMatrix(
  { id, path, scope: { report, names } }: WrittenStep,
  matrix: Json,
  stepNamed: (name: string) => ReadStep | string | null,
): Combinations | null {
  const at = [...path, 'matrix'];
  if (typeof matrix === 'string') {
    const source = stepNamed(matrix);
    if (source === null) report.at(at, `there is no step ${JSON.stringify(matrix)}${suggestion(matrix, names())}`);
    else if (source === id) report.at(at, 'a step cannot take the matrix of itself');
    else if (typeof source === 'string') return null;
    else if (source.root === null)
      report.at(at, `step ${matrix} has no matrix; write the lists here, such as { seed: [0, 1] }`);
    else return { values: source.members.map(({ values }) => values ?? {}), root: source.root, list: source.list };
    return null;
  }
  if (!isMapping(matrix)) {
    report.at(at, 'matrix must be a mapping from names to lists, such as { seed: [0, 1] }, or the id of another step');
    return null;
  }
  const list = listIn(matrix);
  if (list) {
    const problem = problemWithList(list);
    if (problem) report.at([...at, list.name], problem);
    return problem ? null : { values: [], root: id, list: { ...list, root: id } };
  }
  // Told at the reference.
  if (findReferences(matrix).some(({ reference }) => reference?.of === 'steps')) return null;
  const { combinations, problems } = combinationsOf(matrix);
  for (const { path: inner, onKey, message } of problems)
    (onKey ? report.atKey : report.at)([...at, ...inner], message);
  return problems.length > 0 ? null : { values: combinations, root: id };
}

const listExample = '{ shard: "${steps.split.result.shards}" }';
const longestName = 40;

/** The list of a result that a matrix goes over; null where it is any other matrix. */
function listIn(matrix: Json | undefined): Omit<ListSource, 'root'> | null {
  const [only, ...others] = isMapping(matrix) ? Object.entries(matrix) : [];
  const reference = wholeReference(only?.[1]);
  return only && others.length === 0 && reference?.of === 'steps'
    ? { name: only[0], step: reference.step, path: [...reference.path] }
    : null;
}

function problemWithList({ name, path }: Omit<ListSource, 'root'>): string | null {
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name) || name.length > longestName)
    return `the matrix value ${JSON.stringify(name)} must be letters, digits, dashes, underscores, at most ${longestName}`;
  if (name === 'include' || name === 'exclude') return `${name} goes with lists that stand in the file`;
  return path.length === 0 ? `name the list in the result, such as ${listExample}` : null;
}

/** Reports references to values that this one of the matrix has not. */
function reportUnfilled({ path, scope }: WrittenStep, text: Json, values: Combination): boolean {
  const isMissing = (reference: Reference | null) =>
    reference?.of === 'matrix' && lookUp({ ...values }, reference.path) === undefined;
  const missing = findReferences(text, path).filter(({ reference }) => isMissing(reference));
  for (const { path: inner, reference } of missing) {
    const name = reference?.path.join('.') ?? '';
    scope.report.at(
      inner,
      `the matrix has no value ${name} where ${describe(values)}${suggestion(name, Object.keys(values))}`,
    );
  }
  return missing.length > 0;
}
