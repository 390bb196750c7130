import { canonicalJson, isMapping, type Json } from '../../../../contracts/json.ts';
import type { TrialRow } from '../../../../contracts/kinds/sweep.ts';
import { trial as trialKind } from '../../../../contracts/kinds/trial.ts';
import type { Matrix, Plan, PlannedStep, PlannedSweep } from '../../../../contracts/plan.ts';
import { formatReference, lookUp, substitute } from '../../expressions/references.ts';
import { textDigest } from '../../expressions/text-digest.ts';
import { type Course, type Reached, type ReachedOf, ranking, sweepCourse } from './course.ts';
import { reachedId, reachedName, templateId, trialStepId } from './ids.ts';

/** Results by the ids of their steps. */
export type Results = Readonly<Record<string, Json | undefined>>;

/**
 * Puts the steps of the trials that each sweep has begun by now before it. They follow from the plan and the results alone, so a run, its
 * replay, and whoever reads its plan from the store later have the same steps. Once a sweep is over, its own step says what its
 * trials came to, and refers to the results of the winner's.
 *
 * A step that is in the plan stays as it is, so this can be asked of its own answer.
 */
export function expandSweeps(plan: Plan, results: Results): Plan {
  let expanded = plan;
  for (const [id, sweep] of Object.entries(plan.sweeps ?? {})) expanded = withTrials(expanded, id, sweep, results);
  return expanded;
}

/** What the trials of a sweep came to, by the steps that wrote it down. */
export function reachedIn(id: string, sweep: PlannedSweep, results: Results): ReachedOf {
  return (trial, rung) => {
    const result = results[reachedId(id, sweep, trial, rung)];
    if (!isMapping(result)) return undefined;
    const { value, seconds, arrival } = result as { readonly [Key in keyof Reached]: Reached[Key] };
    return { value, seconds, arrival };
  };
}

/** The course of a sweep as it was found last, with the results that it followed from: most events of a run change none of them. */
const lastCourses = new WeakMap<
  PlannedSweep,
  { readonly course: Course; readonly from: readonly (readonly [string, Json | undefined])[] }
>();

/** How far a sweep has come by its trials' results. */
export function courseBy(id: string, sweep: PlannedSweep, results: Results): Course {
  const last = lastCourses.get(sweep);
  if (last?.from.every(([step, result]) => results[step] === result)) return last.course;
  const course = sweepCourse(sweep, reachedIn(id, sweep, results));
  const steps = course.begun.map(({ trial, rung }) => reachedId(id, sweep, trial, rung));
  lastCourses.set(sweep, { course, from: steps.map((step) => [step, results[step]]) });
  return course;
}

function withTrials(plan: Plan, id: string, sweep: PlannedSweep, results: Results): Plan {
  const at = plan.steps.findIndex((step) => step.id === id);
  const own = plan.steps[at];
  if (!own) return plan;
  const course = courseBy(id, sweep, results);
  const reachedOf = reachedIn(id, sweep, results);
  const there = new Set(own.needs);
  const begun = course.begun.filter(({ trial, rung }) => !there.has(reachedId(id, sweep, trial, rung)));
  if (begun.length === 0 && !(course.isOver && own.with.ended === undefined)) return plan;
  const made = begun.flatMap(({ trial, rung }) => trialSteps(plan, own, sweep, { trial, rung }, course));
  const needs = [...own.needs, ...begun.map(({ trial, rung }) => reachedId(id, sweep, trial, rung))];
  const ended = course.isOver ? { with: withEnd(own, id, sweep, course, reachedOf, results) } : {};
  return {
    ...plan,
    steps: [...plan.steps.slice(0, at), ...made, { ...own, needs, ...ended }, ...plan.steps.slice(at + 1)],
    matrices: { ...plan.matrices, ...matricesWith(plan, id, sweep, made) },
  };
}

/**
 * The steps of a trial on its way to a rung: those of every replicate, and the one that writes down what it came to. That one is done as
 * the sweep's own step is, and where that is.
 */
function trialSteps(
  plan: Plan,
  own: PlannedStep,
  sweep: PlannedSweep,
  { trial, rung }: { readonly trial: number; readonly rung: number },
  { settings }: Course,
): PlannedStep[] {
  const { seeds, rungs, perRung, halved, objective } = sweep;
  const { id, queue, retry, timeoutMs, priority, when } = own;
  const values = { trial, ...settings[trial], ...(rungs ? { epochs: rungs[rung] ?? 0 } : {}) };
  const anew = sweep.steps.filter((step) => rung === 0 || perRung.includes(step.id));
  const templates = new Set(sweep.steps.map((step) => step.id));
  const steps = seeds.flatMap((seed) => {
    const idOf = (step: string) => (templates.has(step) ? trialStepId(sweep, step, trial, seed, rung) : step);
    const named = { ...settings[trial], seed, trial };
    return anew.map((step): PlannedStep => {
      const stops = step.id === halved && rungs !== undefined;
      const before = stops && rung > 0 ? trialStepId(sweep, step.id, trial, seed, rung - 1) : null;
      const needs = step.needs.flatMap((need) => (templates.has(need) ? [idOf(need)] : membersOf(plan, need)));
      return {
        ...step,
        id: idOf(step.id),
        needs: before === null ? needs : [...needs, before, reachedId(id, sweep, trial, rung - 1)],
        with: substitute(step.with, (reference) => {
          if (reference.of === 'sweep') return lookUp(named, reference.path);
          return reference.of === 'steps' ? formatReference({ ...reference, step: idOf(reference.step) }) : undefined;
        }) as PlannedStep['with'],
        inputs: Object.fromEntries(
          Object.entries(step.inputs).map(([name, input]) => [name, { ...input, step: idOf(input.step) }]),
        ),
        ...(sweep.isAsynchronous && rung > 0 ? { priority: Math.max(1, (step.priority ?? usualPriority) - 1) } : {}),
        matrix: { of: step.id, values: seeds.length > 1 ? { ...values, seed } : values },
        ...(stops ? { rung: { until: rungs[rung] ?? 1, ...(before === null ? {} : { after: before }) } } : {}),
      };
    });
  });
  const outside = sweep.steps.flatMap(({ needs }) => needs.filter((need) => !templates.has(need)));
  const reached: PlannedStep = {
    id: reachedId(id, sweep, trial, rung),
    uses: 'trial',
    version: trialKind.version,
    needs: [
      ...new Set([
        ...outside.flatMap((need) => membersOf(plan, need)),
        ...steps.map((step) => step.id),
        ...(rung === 0 ? [] : [reachedId(id, sweep, trial, rung - 1)]),
      ]),
    ],
    with: {
      sweep: id,
      trial,
      rung,
      values: seeds.map((seed) =>
        formatReference({
          of: 'steps',
          step: trialStepId(sweep, objective.step, trial, seed, rung),
          path: objective.path,
        }),
      ),
      problems: [],
      steps: steps.map((step) => step.id),
      ...(sweep.isAsynchronous ? { arrivals: `${id}-${textDigest(canonicalJson(sweep))}` } : {}),
    },
    inputs: {},
    ...{ queue, retry, timeoutMs },
    ...(priority === undefined ? {} : { priority }),
    ...(when === undefined ? {} : { when }),
    sweep: id,
    matrix: { of: templateId(id, reachedName), values },
  };
  return [...steps, reached];
}

const membersOf = ({ matrices }: Plan, id: string): readonly string[] => matrices?.[id]?.members ?? [id];

/** Temporal's, where the pipeline says nothing. */
const usualPriority = 3;

function matricesWith(plan: Plan, id: string, sweep: PlannedSweep, made: readonly PlannedStep[]) {
  const { seeds, atOnce } = sweep;
  const reached = templateId(id, reachedName);
  return Object.fromEntries(
    [...sweep.steps.map((step) => step.id), reached].map((of): [string, Matrix] => {
      const members = [
        ...(plan.matrices?.[of]?.members ?? []),
        ...made.filter(({ matrix }) => matrix?.of === of).map((step) => step.id),
      ];
      // Any number of trials may be lost, but not what they came to.
      return [of, { members, maxParallel: atOnce * seeds.length, ...(of === reached ? {} : { sweep: id }) }];
    }),
  );
}

/** Every trial, the best first. */
export function trialRows(
  sweep: PlannedSweep,
  course: Course,
  reachedOf: ReachedOf,
  lostOf: (trial: number, rung: number) => string | undefined,
): TrialRow[] {
  return ranking(sweep, course, reachedOf).map((trial) => {
    const rungs = course.begun.flatMap((each) => {
      const value = each.trial === trial ? reachedOf(trial, each.rung)?.value : undefined;
      return value === undefined ? [] : [{ ...each, epochs: sweep.rungs?.[each.rung] ?? null, value }];
    });
    const lost = rungs.flatMap(({ rung, value }) => (value === null ? [lostOf(trial, rung) ?? 'not measured'] : []))[0];
    return {
      trial,
      parameters: { ...course.settings[trial] },
      rungs: rungs.map(({ epochs, value }) => ({ epochs, value })),
      ...(lost === undefined ? {} : { lost }),
    };
  });
}

/** The parameters of a sweep that is over. */
function withEnd(
  own: PlannedStep,
  id: string,
  sweep: PlannedSweep,
  course: Course,
  reachedOf: ReachedOf,
  results: Results,
): PlannedStep['with'] {
  const { costs, goal, objective, seeds, steps } = sweep;
  const resultOf = (trial: number, rung: number) => results[reachedId(id, sweep, trial, rung)];
  // What a step failed with may hold anything, also what looks like a reference.
  const rows = trialRows(sweep, course, reachedOf, (trial, rung) =>
    typeof lookUp(resultOf(trial, rung), ['lost']) === 'string'
      ? formatReference({ of: 'steps', step: reachedId(id, sweep, trial, rung), path: ['lost'] })
      : undefined,
  );
  const [first] = rows;
  // A trial that is lost at a rung still stands at the one before.
  const top = first ? first.rungs.findLastIndex(({ value }) => value !== null) : -1;
  const ended = {
    trials: rows,
    epochs: costs ? course.begun.reduce((sum, { rung }) => sum + (costs[rung] ?? 0), 0) : null,
    seconds: course.begun.reduce((sum, { trial, rung }) => sum + (reachedOf(trial, rung)?.seconds ?? 0), 0),
  };
  if (!first || top < 0) return { ...own.with, ended: ended as unknown as Json, objective: { [goalKey(goal)]: 0 } };
  const values = (lookUp(resultOf(first.trial, top), ['values']) ?? []) as number[];
  const best = values.reduce((so, value, at) => (isBetter(goal, value, values[so] ?? value) ? at : so), 0);
  const seed = seeds[best] ?? 0;
  const idOf = (template: string) => trialStepId(sweep, template, first.trial, seed, top);
  const winner = {
    trial: first.trial,
    seed,
    values,
    steps: Object.fromEntries(
      steps.map((step) => [
        step.id.slice(id.length + 1),
        formatReference({ of: 'steps', step: idOf(step.id), path: [] }),
      ]),
    ),
  };
  return {
    ...own.with,
    objective: { [goalKey(goal)]: formatReference({ of: 'steps', step: idOf(objective.step), path: objective.path }) },
    ended: { ...ended, winner } as unknown as Json,
  };
}

const goalKey = (goal: PlannedSweep['goal']) => (goal === 'highest' ? 'maximise' : 'minimise');
const isBetter = (goal: PlannedSweep['goal'], a: number, b: number) => (goal === 'highest' ? a > b : a < b);
