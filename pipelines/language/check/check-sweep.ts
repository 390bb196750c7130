import { type ArtifactKind, artifactKinds } from '../../../contracts/artifacts.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { jsonSize } from '../../../contracts/json-size.ts';
import { mostLostText, type SweepParameters, sweepParameters } from '../../../contracts/kinds/sweep.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import type { PlannedStep, PlannedSweep } from '../../../contracts/plan.ts';
import { kindOf } from '../../../contracts/step-kinds.ts';
import { isTrainingKind } from '../../../contracts/training-kinds.ts';
import { findReferences } from '../expressions/references.ts';
import { rungSizes } from '../interpret/sweep/course.ts';
import { combinations, isListed } from '../interpret/sweep/space.ts';
import { describeIssues } from '../problems/issues.ts';
import type { Path } from '../problems/problems.ts';
import type { ReadStep } from '../read/read-step.ts';
import { objectiveOf } from '../read/sweep-steps.ts';
import { baseOf } from '../read/written.ts';
import { problemWithObjective } from './check-objective.ts';
import { checkSweptValues } from './check-swept-values.ts';
import { fieldOf } from './inputs.ts';
import { knownTraining, type PlannedSteps } from './known-steps.ts';
import { topologicalOrder } from './order.ts';

/** A sweep whose steps were planned. */
interface Sweep {
  readonly id: string;
  readonly step: ReadStep;
  readonly parameters: SweepParameters;
  /** The steps of a trial, in topological order. */
  readonly steps: readonly PlannedStep[];
  readonly say: (path: Path, message: string) => void;
}

/**
 * The sweep steps with what they hand over: the artifacts of the winner, of each kind those of the last step of a trial that makes one.
 */
export function withTaken(read: ReadonlyMap<string, ReadStep>): Map<string, ReadStep> {
  return new Map(
    [...read].map(([id, step]) => {
      const { definition, members } = step;
      if (definition.uses !== 'sweep') return [id, step];
      const makers = inOrder([...read.values()].filter(({ written }) => written.sweep?.of === id));
      const takes: Partial<Record<ArtifactKind, { step: string; field: string }>> = {};
      for (const { written, definition: made } of makers)
        for (const kind of artifactKinds) {
          const field = fieldOf({ uses: made.uses, with: made.with as Record<string, Json>, own: made.own }, kind);
          if (field !== undefined) takes[kind] = { step: written.id.slice(id.length + 1), field };
        }
      const withTakes = { ...definition, with: { ...definition.with, takes } };
      return [
        id,
        { ...step, definition: withTakes, members: members.map((member) => ({ ...member, definition: withTakes })) },
      ];
    }),
  );
}

/** Each after those of them that it needs; in a cycle, which is told elsewhere, as they are written. */
function inOrder(steps: readonly ReadStep[]): readonly ReadStep[] {
  const byId = new Map(steps.map((step) => [step.written.id, step]));
  const needs = steps.map(({ written, definition }): [string, string[]] => [
    written.id,
    [
      ...definition.needs.flatMap((need) => written.scope.idOf(baseOf(need)) ?? []),
      ...findReferences(definition.with).flatMap(({ reference }) =>
        reference?.of === 'steps' ? [baseOf(reference.step)] : [],
      ),
    ].filter((need) => byId.has(need)),
  ]);
  const order = topologicalOrder(new Map(needs));
  return order.length < steps.length ? steps : order.flatMap((id) => byId.get(id) ?? []);
}

/** What is wrong with a key that only the run fills in; the parameters of a kind allow it. */
export function checkFilledIn({ definition, written }: ReadStep): void {
  const { with: given } = definition;
  for (const key of ['ended', 'takes'])
    if (given[key] !== undefined && definition.uses === 'sweep')
      written.scope.report.atKey([...written.path, 'with', key], `unknown key ${key}`);
}

/**
 * Checks a sweep as a whole, and says what decides it. Null where something is wrong.
 *
 * @param planned its own step
 * @param inner the steps of a trial, in topological order
 * @param all every step of the pipeline
 */
export function planSweep(
  step: ReadStep,
  planned: PlannedStep,
  inner: readonly PlannedStep[],
  { read, all }: { readonly read: ReadonlyMap<string, ReadStep>; readonly all: PlannedSteps },
): PlannedSweep | null {
  const { written } = step;
  let isWrong = false;
  const say = (path: Path, message: string) => {
    isWrong = true;
    written.scope.report.at([...written.path, 'with', ...path], message);
  };
  const objective = objectiveOf(planned.with.objective);
  if (!objective) {
    say(
      ['objective'],
      'the objective must be the result of a step of the trial, such as { maximise: "${steps.probe.result.validationTop1}" }',
    );
    return null;
  }
  // The number is not known yet.
  const goals = Object.keys(isMapping(planned.with.objective) ? planned.with.objective : {});
  const parsed = sweepParameters.safeParse({
    ...planned.with,
    objective: Object.fromEntries(goals.map((key) => [key, 0])),
  });
  if (!parsed.success) {
    for (const { path, message } of describeIssues(parsed.error.issues, planned.with, () => [])) say(path, message);
    return null;
  }
  const sweep: Sweep = { id: written.id, step, parameters: parsed.data, steps: inner, say };
  if (isMapping(written.value) && written.value.uses !== 'sweep') {
    written.scope.report.at([...written.path, 'uses'], 'uses: sweep must be written out here, not be a param');
    return null;
  }
  if (Object.keys(parsed.data.steps).length === 0) say(['steps'], 'steps is empty; a trial needs at least one step');
  // What is wrong with one of them was told; what it lacks says nothing of the others.
  if (inner.length < Math.max(1, Object.keys(parsed.data.steps).length)) return null;
  checkSpace(sweep);
  checkKinds(sweep, read);
  checkOwnReferences(sweep, planned);
  const problem = problemWithObjective(sweep.id, objective, inner, read);
  if (problem !== null) say(['objective', objective.key], problem);
  const halved = halvedTraining(sweep);
  const rungs = halved && rungsOf(sweep, halved);
  if (isWrong) return null;
  checkSweptValues(sweep.parameters, inner, all, read);
  const { search, over, seed, seeds, halving, budget = {}, atOnce } = sweep.parameters;
  const perRung = halved ? following(inner, halved.id) : [];
  const ofReplicate = costsOf(inner, perRung, rungs ?? null, halved?.id);
  const factor = halving?.factor ?? 2;
  const replicates = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, index) => index) : seeds;
  const costs = ofReplicate?.map((each) => each * replicates.length) ?? null;
  const isAsynchronous = halving?.mode === 'asynchronous';
  const wanted = search === 'grid' ? combinations(over) : (sweep.parameters.trials ?? 1);
  const trials = affordable(sweep, { wanted, costs, factor, isAsynchronous });
  const sizes = isAsynchronous ? (rungs ?? [1]).map(() => trials) : rungSizes(trials, rungs?.length ?? 1, factor);
  const swept = sizes.reduce(
    (sum, size, rung) => sum + size * (1 + (rung === 0 ? inner.length : perRung.length) * replicates.length),
    0,
  );
  if (swept > limits.sweptSteps)
    say(
      [],
      `with its trials, rungs and seeds the sweep has up to ${swept} steps; at most ${limits.sweptSteps} are allowed`,
    );
  checkTable(sweep, trials, sizes.length);
  if (isWrong) return null;
  return {
    search,
    trials,
    over,
    seed,
    seeds: replicates,
    goal: objective.key === 'maximise' ? 'highest' : 'lowest',
    objective: { step: objective.step, path: [...objective.path] },
    atOnce,
    ...(rungs ? { rungs } : {}),
    factor,
    isAsynchronous,
    costs,
    budget,
    ...(halved ? { halved: halved.id } : {}),
    perRung,
    steps: inner.map((each) => withOwn(planned, inner, each)),
  };
}

/** A step of a trial starts when its sweep may, and where that is skipped it is too. */
function withOwn({ id, needs, when }: PlannedStep, inner: readonly PlannedStep[], step: PlannedStep): PlannedStep {
  const outside = needs.filter((need) => !inner.some((each) => each.id === need));
  return {
    ...step,
    needs: [...new Set([...outside, ...step.needs])],
    ...(when === undefined ? {} : { when }),
    sweep: id,
  };
}

/** What decides a search is known before the first trial, so nothing but the objective comes from one. */
function checkOwnReferences({ id, steps, say }: Sweep, planned: PlannedStep): void {
  for (const { path, reference } of findReferences(planned.with))
    if (
      path[0] !== 'objective' &&
      reference?.of === 'steps' &&
      steps.some((step) => step.id === baseOf(reference.step))
    )
      say(
        path,
        `${reference.step.slice(id.length + 1)} is a step of the trials, which begin with what stands here; refer to a step that ${id} needs`,
      );
}

/** Of a row: what it has besides its settings, and of each rung. */
const [rowBytes, rungBytes] = [40 + mostLostText, 50];

/** The table of all trials is a part of the result, so that it is told before the search if it would not fit. */
function checkTable({ parameters: { over }, say }: Sweep, trials: number, rungs: number): void {
  const settings = Object.entries(over).reduce(
    (sum, [name, dimension]) =>
      sum +
      jsonSize(name) +
      2 +
      (isListed(dimension) ? Math.max(...dimension.map((value) => jsonSize(value))) : longestNumber),
    0,
  );
  const bytes = trials * (settings + rowBytes + rungs * rungBytes);
  if (bytes > limits.sweptTableBytes)
    say(
      ['over'],
      `the table of ${trials} trials would have up to ${formatBytes(bytes)}; at most ${formatBytes(limits.sweptTableBytes)} are allowed: try fewer, or shorter values`,
    );
}

const longestNumber = 14;

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;

function checkSpace({ parameters, steps, say }: Sweep): void {
  const { search, over, seeds, trials = 1 } = parameters;
  const used = new Set(
    steps.flatMap((step) =>
      findReferences(step.with).flatMap(({ reference }) =>
        reference?.of === 'sweep' ? reference.path.slice(0, 1) : [],
      ),
    ),
  );
  for (const [name, dimension] of Object.entries(over)) {
    if (!namePattern.test(name))
      say(['over', name], `the name ${JSON.stringify(name)} must be letters, digits, dashes, underscores, at most 40`);
    else if (['seed', 'trial', 'epochs'].includes(name))
      say(
        ['over', name],
        `${name} is taken: \${sweep.seed} is the seed of a replicate, and a trial has a number and its epochs`,
      );
    else if (!used.has(name)) say(['over', name], `no step of a trial uses \${sweep.${name}}, so nothing is tried`);
    if (search === 'grid' && combinations({ [name]: dimension }) === Number.POSITIVE_INFINITY)
      say(['over', name], 'a grid tries lists of values; write a list, or search random or tpe');
  }
  const most = combinations(over);
  if (Object.keys(over).length === 0) say(['over'], 'over is empty; at least one name with its values is needed');
  else if (search === 'grid' && most > limits.matrixCombinations && most < Number.POSITIVE_INFINITY)
    say(['over'], `the grid has ${most} combinations; at most ${limits.matrixCombinations} are allowed`);
  else if (search !== 'grid' && trials > most)
    say(
      ['trials'],
      `trials must be at most ${most}, as many as there are combinations, not ${trials}; search: grid tries each of them once`,
    );
  if (search === 'tpe' && trials > limits.tpeTrials)
    say(['trials'], `tpe looks at every trial before each draw; at most ${limits.tpeTrials} are allowed`);
  const isRepeated = Array.isArray(seeds) ? seeds.length > 1 : seeds > 1;
  if (isRepeated && !used.has('seed'))
    say(['seeds'], 'no step of a trial uses ${sweep.seed}, so every replicate would be the same');
  if (Array.isArray(seeds) && new Set(seeds).size < seeds.length) say(['seeds'], 'seeds must be different');
}

function checkKinds({ id, steps, parameters }: Sweep, read: ReadonlyMap<string, ReadStep>): void {
  for (const planned of steps) {
    const { written } = read.get(planned.id) ?? {};
    const kind = kindOf(planned);
    const why =
      planned.uses === 'sweep'
        ? 'a sweep within a sweep: let the outer one try what the inner one does'
        : kind.effect === true || kind.runs === 'person'
          ? `${planned.uses} does something that a trial must not; put it after ${id}`
          : null;
    if (why !== null) written?.scope.report.at([...written.path, 'uses'], why);
    if (parameters.halving && planned.with.stop !== undefined && isTrainingKind(planned.uses))
      written?.scope.report.at(
        [...written.path, 'with', 'stop'],
        'halving stops trainings, and the best go on to their last epoch: leave stop out, or halving',
      );
  }
}

/** The training that stops at rungs; null without halving, or where something is wrong with it. */
function halvedTraining({ id, parameters: { halving }, steps, say }: Sweep): PlannedStep | null {
  if (!halving) return null;
  const trainings = steps.filter(({ uses }) => isTrainingKind(uses));
  const names = trainings.map((step) => step.id.slice(id.length + 1));
  if (halving.of !== undefined) {
    const found = trainings.find((step) => step.id === `${id}-${halving.of}`);
    if (!found)
      say(['halving', 'of'], `${halving.of} is no training of a trial; there are ${names.join(', ') || 'none'}`);
    return found ?? null;
  }
  const [only, ...others] = trainings;
  if (!only) say(['halving'], 'halving stops a training at rungs, and no step of a trial is one');
  else if (others.length > 0)
    say(['halving'], `which training stops at rungs? Write of: ${names[0]}, or one of ${names.slice(1).join(', ')}`);
  return only && others.length === 0 ? only : null;
}

/** The epochs of every rung: the first, times the factor again and again, and those of the whole training. */
function rungsOf({ id, parameters: { halving }, say }: Sweep, training: PlannedStep): number[] | null {
  if (!halving) return null;
  const epochs = epochsOf(training);
  if (epochs === null) {
    say(
      ['halving'],
      `the epochs of ${training.id.slice(id.length + 1)} must be a number that stands in the file, or a param: rungs are counted in them, so they are the same in all trials`,
    );
    return null;
  }
  const { from, factor } = halving;
  if (from >= epochs) {
    say(['halving', 'from'], `from must be less than the ${epochs} epochs of the training, not ${from}`);
    return null;
  }
  const rungs: number[] = [];
  for (let rung = from; rung * factor <= epochs && rung < epochs; rung *= factor) rungs.push(rung);
  return [...(rungs.length > 0 ? rungs : [from]).filter((rung) => rung < epochs), epochs];
}

/** The epochs of a training, that of its kind where it says nothing; null where they are tried, or given by a step. */
function epochsOf(training: PlannedStep): number | null {
  const known = knownTraining(training);
  return known && !known.isOpen('epochs') ? known.values.epochs : null;
}

/** These steps and those that need them, directly or not. */
function following(steps: readonly PlannedStep[], id: string): string[] {
  const found = new Set([id]);
  for (const step of steps) if (step.needs.some((need) => found.has(need))) found.add(step.id);
  return [...found];
}

/** Epochs that one replicate takes to each rung; null where their number is not known. */
function costsOf(
  steps: readonly PlannedStep[],
  perRung: readonly string[],
  rungs: readonly number[] | null,
  halved: string | undefined,
): number[] | null {
  const trainings = steps.filter(({ uses }) => isTrainingKind(uses));
  const costs = (rungs ?? [0]).map((_, rung) =>
    trainings.reduce((sum, step) => {
      if (rungs && step.id === halved) return sum + ((rungs[rung] ?? 0) - (rung === 0 ? 0 : (rungs[rung - 1] ?? 0)));
      return rung === 0 || perRung.includes(step.id) ? sum + (epochsOf(step) ?? Number.NaN) : sum;
    }, 0),
  );
  return costs.some(Number.isNaN) ? null : costs;
}

/** How many trials the budget of epochs pays for, with all that follows from them. */
function affordable(
  { parameters: { budget, search }, say }: Sweep,
  {
    wanted,
    costs,
    factor,
    isAsynchronous,
  }: {
    readonly wanted: number;
    readonly costs: readonly number[] | null;
    readonly factor: number;
    readonly isAsynchronous: boolean;
  },
): number {
  const epochs = budget?.epochs;
  if (epochs === undefined) return wanted;
  const all = costs?.reduce((sum, each) => sum + each, 0) ?? 0;
  if (costs === null || all === 0) {
    say(['budget', 'epochs'], 'a budget of epochs needs trainings whose epochs are the same in all trials');
    return wanted;
  }
  const costOf = (trials: number) =>
    rungSizes(trials, costs.length, factor).reduce((sum, size, rung) => sum + size * (costs[rung] ?? 0), 0);
  if (all > epochs) {
    say(['budget', 'epochs'], `one trial takes ${all} epochs, more than the budget of ${epochs}`);
    return wanted;
  }
  if (isAsynchronous) return wanted;
  let trials = wanted;
  while (trials > 1 && costOf(trials) > epochs) trials--;
  if (search === 'grid' && trials < wanted) {
    say(['budget', 'epochs'], `the grid takes ${costOf(wanted)} epochs, more than the budget of ${epochs}`);
    return wanted;
  }
  return trials;
}
