import type { Json } from '../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { SweepReport } from '../../contracts/report.ts';
import { lookUp, substitute } from '../../pipelines/language/expressions/references.ts';
import { ranking } from '../../pipelines/language/interpret/sweep/course.ts';
import {
  courseBy,
  type Results,
  reachedIn,
  trialRows,
} from '../../pipelines/language/interpret/sweep/expand-sweeps.ts';
import { reachedId } from '../../pipelines/language/interpret/sweep/ids.ts';
import type { StoredStepResult } from '../../store/index.ts';

/** What is stored of steps, by their ids, as far as a search goes by it. */
export type TrialResults = Readonly<Record<string, Pick<StoredStepResult, 'result'>>>;

/** Every sweep of a run, finished or not. */
export const gatherSweeps = (plan: Plan, stored: TrialResults): SweepReport[] => {
  const results: Results = Object.fromEntries(Object.entries(stored).map(([id, { result }]) => [id, result]));
  return Object.entries(plan.sweeps ?? {}).map(([id, sweep]): SweepReport => {
    const course = courseBy(id, sweep, results);
    const reachedOf = reachedIn(id, sweep, results);
    const rows = trialRows(sweep, course, reachedOf, (trial, rung) => {
      const lost = lookUp(results[reachedId(id, sweep, trial, rung)], ['lost']);
      return typeof lost === 'string' ? lost : undefined;
    });
    // What is tried may be the results of steps before.
    const filledIn = <T>(value: T): T =>
      substitute(value as Json, (reference) =>
        reference.of === 'steps' ? lookUp(results[reference.step], reference.path) : undefined,
      ) as T;
    const { costs, search, seeds, goal, objective, rungs, isAsynchronous } = sweep;
    const arrived = course.begun.filter(({ trial, rung }) => reachedOf(trial, rung) !== undefined);
    const deviation = lookUp(stored[id]?.result, ['deviation']);
    return {
      step: id,
      search,
      over: filledIn(sweep.over),
      seeds: seeds.length,
      goal,
      objective: [objective.step.slice(id.length + 1), ...objective.path].join('.'),
      rungs: rungs ?? null,
      isAsynchronous,
      wanted: sweep.trials,
      trials: rows.map((row) => ({ ...row, parameters: filledIn(row.parameters) })),
      isOver: course.isOver,
      deviation: typeof deviation === 'number' ? deviation : null,
      epochs: costs ? arrived.reduce((sum, { rung }) => sum + (costs[rung] ?? 0), 0) : null,
      seconds: arrived.reduce((sum, { trial, rung }) => sum + (reachedOf(trial, rung)?.seconds ?? 0), 0),
    };
  });
};

/**
 * Whether a step is one that the page of a run shows by itself: of trials only those that made the winner's results; a search is shown as a
 * whole.
 */
export function shownAlone(plan: Plan, results: Results): (step: PlannedStep) => boolean {
  const winners = new Map(
    Object.entries(plan.sweeps ?? {}).map(([id, sweep]) => {
      const course = courseBy(id, sweep, results);
      const reachedOf = reachedIn(id, sweep, results);
      const [trial] = course.isOver ? ranking(sweep, course, reachedOf) : [];
      const top = course.begun.findLast(
        (each) => each.trial === trial && (reachedOf(each.trial, each.rung)?.value ?? null) !== null,
      );
      return [id, top ? { trial: top.trial, epochs: sweep.rungs?.[top.rung] } : null] as const;
    }),
  );
  return ({ sweep, matrix, uses }) => {
    if (sweep === undefined) return true;
    const winner = winners.get(sweep);
    const { trial, epochs } = matrix?.values ?? {};
    const isLast = epochs === undefined || winner?.epochs === undefined || epochs === winner.epochs;
    return uses !== 'trial' && winner != null && trial === winner.trial && isLast;
  };
}
