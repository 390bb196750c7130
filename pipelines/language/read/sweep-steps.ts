import { stepIdSchema } from '../../../contracts/identifiers.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { lookUp, substitute, wholeReference } from '../expressions/references.ts';
import { reachedName, templateId } from '../interpret/sweep/ids.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Path } from '../problems/problems.ts';
import { baseOf, type Scope, type WrittenStep } from './written.ts';

/** Keys of a step that a step of a trial cannot have, and why. */
const notInTrials: Readonly<Record<string, string>> = {
  matrix: 'a step of a trial has no matrix; what is tried stands in `over`',
  maxParallel: 'atOnce of the sweep says how many trials are under way',
  tolerate: 'any number of trials may be lost',
  when: 'a step of a trial has no condition: every trial is the same steps',
};

/**
 * The steps of a pipeline, those of the trials of sweeps among them: each before its sweep, under an id that begins with the sweep's, and
 * with names of its own as in a file that is included. What a sweep needs, its steps need.
 */
export function withSweepSteps(steps: readonly WrittenStep[]): WrittenStep[] {
  const taken = new Set(steps.map(({ id }) => id));
  return steps.flatMap((step) => {
    requireWrittenOut(step);
    const inner = stepsIn(step);
    return inner ? partsOf(step, inner, taken) : [step];
  });
}

/** What names steps and values is needed before params are filled in. */
function requireWrittenOut({ value, path, scope: { report } }: WrittenStep): void {
  if (!isMapping(value) || value.uses !== 'sweep') return;
  if (typeof value.with === 'string')
    report.at([...path, 'with'], 'with of a sweep must be written out here; a param can be a value in it');
  if (!isMapping(value.with)) return;
  if (typeof value.with.steps === 'string')
    report.at(
      [...path, 'with', 'steps'],
      'the steps of a trial must be written out here; a param can be a value in them',
    );
  if (typeof value.with.over === 'string')
    report.at(
      [...path, 'with', 'over'],
      'over must be written out here, for its names are those that steps use; what stands behind a name can be a param, such as { learningRate: "${params.rates}" }',
    );
}

/** The steps of a sweep as written; null of any other step, and of one whose steps are no mapping, which its parameters say. */
function stepsIn({ value }: WrittenStep): { readonly [name: string]: Json } | null {
  if (!isMapping(value) || value.uses !== 'sweep' || !isMapping(value.with)) return null;
  return isMapping(value.with.steps) ? value.with.steps : null;
}

function partsOf(sweep: WrittenStep, inner: { readonly [name: string]: Json }, taken: Set<string>): WrittenStep[] {
  const { id, path, role, scope } = sweep;
  const outline = sweep.value as { readonly [key: string]: Json };
  const settings = outline.with as { readonly [key: string]: Json };
  const { matrix, ...alone } = outline;
  if (matrix !== undefined)
    scope.report.atKey([...path, 'matrix'], 'a sweep has no matrix; write what is to be tried into `over`');
  const at = (name: string): Path => [...path, 'with', 'steps', name];
  const sound = Object.entries(inner).flatMap(([name, value]): { name: string; value: { [key: string]: Json } }[] => {
    const problem = problemWithName(sweep, name, value, taken);
    if (problem !== null) scope.report.atKey(at(name), problem);
    return problem === null && isMapping(value) ? [{ name, value }] : [];
  });
  const own = new Map(sound.map(({ name }) => [name, templateId(id, name)]));
  for (const each of own.values()) taken.add(each);
  const within: Scope = {
    ...scope,
    idOf: (name) => own.get(name) ?? scope.idOf(name),
    names: () => [...own.keys(), ...scope.names()],
  };
  // A param may say which step it is; what is wrong with one is told at the sweep.
  const needed = textsIn(
    substitute(outline.needs ?? [], ({ of, path: name }) =>
      of === 'params' ? lookUp({ ...scope.params }, name) : undefined,
    ),
  ).filter((need) => scope.idOf(baseOf(need)) !== null);
  const over = isMapping(settings.over) ? Object.keys(settings.over) : null;
  const parts = sound.map(({ name, value }): WrittenStep => {
    for (const [key, why] of Object.entries(notInTrials))
      if (value[key] !== undefined) scope.report.atKey([...at(name), key], why);
    const { matrix: _, maxParallel: __, tolerate: ___, when: ____, ...rest } = value;
    const needs = [...new Set([...textsIn(value.needs), ...needed])];
    const isText = value.needs === undefined || Array.isArray(value.needs);
    return {
      id: templateId(id, name),
      role,
      path: at(name),
      value: isText ? { ...rest, needs } : rest,
      scope: within,
      sweep: { of: id, over },
    };
  });
  const kinds = Object.fromEntries(
    Object.entries(inner).map(([name, value]) => [name, (isMapping(value) ? value.uses : null) ?? null]),
  );
  const whole = { ...alone, needs: [...textsIn(outline.needs), ...own.keys()], with: { ...settings, steps: kinds } };
  return [...parts, { ...sweep, value: whole as unknown as Json, scope: within }];
}

const textsIn = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

function problemWithName({ id, role, scope }: WrittenStep, name: string, value: Json, taken: ReadonlySet<string>) {
  const checked = stepIdSchema.safeParse(name);
  if (!checked.success) return `the step id ${JSON.stringify(name)} ${checked.error.issues[0]?.message}`;
  if (role !== 'step') return 'a sweep is a step of `steps`, not of onFailure or finally';
  if (name === reachedName)
    return `a step of a trial cannot be called ${reachedName}: what trials came to stands there`;
  if (!stepIdSchema.safeParse(templateId(id, name)).success)
    return `the step id ${templateId(id, name)} is longer than 63 characters`;
  if (scope.idOf(name) !== null) return `there is a step ${name} already; a step of a trial has a name of its own`;
  if (taken.has(templateId(id, name)) || taken.has(templateId(id, reachedName)))
    return `there is a step ${templateId(id, name)} or ${templateId(id, reachedName)} already; the steps of ${id} are called so in the run`;
  return isMapping(value) ? null : `${name} must be a mapping, as a step of a pipeline is`;
}

/** What is wrong with `${sweep.…}` in a step; null where nothing is. @param inWith whether it stands in `with` */
export function problemWithSweepReference(
  { sweep }: WrittenStep,
  [name = '']: readonly string[],
  inWith: boolean,
): string | null {
  if (!sweep) return '${sweep.…} is for the steps of a sweep; this is none';
  const names = [...(sweep.over ?? []), 'seed', 'trial'];
  if (sweep.over !== null && !names.includes(name)) return `the sweep tries no ${name}${suggestion(name, names)}`;
  return inWith ? null : '${sweep.…} can be used in with only';
}

/** The objective of a sweep: which result of which step. Null where it is no reference. */
export function objectiveOf(objective: Json | undefined) {
  const [key, text] = Object.entries(isMapping(objective) ? objective : {})[0] ?? [];
  const reference = wholeReference(text);
  return key !== undefined && reference?.of === 'steps' ? { key, step: reference.step, path: reference.path } : null;
}
