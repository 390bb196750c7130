import { times } from '../contracts/counted.ts';
import type { Plan } from '../contracts/plan.ts';
import type { SweepReport } from '../contracts/report.ts';
import { settingText } from '../contracts/setting-text.ts';
import { oneLine } from '../contracts/short-text.ts';
import type { StepState, StepStatus } from '../contracts/status.ts';
import { reachedName, templateId } from '../pipelines/language/interpret/sweep/ids.ts';
import { figure } from '../report/format.ts';
import { gatherSweeps, type TrialResults } from '../report/gather/sweeps.ts';

type Step = Pick<StepStatus, 'id' | 'state' | 'result'>;

/** Above so many steps of trials, those that nobody need look at are left out of a table. */
const mostShown = 30;
const notable: readonly StepState[] = ['running', 'paused', 'failed'];
const longestSetting = 40;

/** Steps for a table: of a long search only those that do something or went wrong, and a line that counts the others. */
export function notableOfTrials<T extends Step>(
  plan: Plan | null,
  steps: readonly T[],
): { readonly steps: readonly T[]; readonly others: string | null } {
  const templates = new Set(
    Object.entries(plan?.sweeps ?? {}).flatMap(([id, sweep]) => [
      templateId(id, reachedName),
      ...sweep.steps.map((step) => step.id),
    ]),
  );
  const isOfTrial = ({ id }: Step) => id.includes('@') && templates.has(id.split('@')[0] ?? '');
  if (steps.filter(isOfTrial).length <= mostShown) return { steps, others: null };
  const isShown = (step: Step) => !isOfTrial(step) || notable.includes(step.state);
  const counts = new Map<StepState, number>();
  for (const step of steps) if (!isShown(step)) counts.set(step.state, (counts.get(step.state) ?? 0) + 1);
  const others = [...counts].map(([state, number]) => `${number} ${state}`).join(', ');
  return {
    steps: steps.filter(isShown),
    others: others === '' ? null : `and other steps of trials: ${others}; --json has every one`,
  };
}

/** How far each sweep is that is not over, and its best trial so far. */
export function sweepLines(plan: Plan | null, steps: readonly Step[]): string[] {
  // Where the results are too much together, the server gives none.
  if (!plan?.sweeps || steps.some(({ state, result }) => state === 'done' && result === null)) return [];
  const results: TrialResults = Object.fromEntries(
    steps.flatMap(({ id, result }) => (result === null ? [] : [[id, { result }]])),
  );
  return gatherSweeps(plan, results).flatMap((sweep) => (results[sweep.step] ? [] : [lineOf(sweep)]));
}

function lineOf({ step, trials, wanted, rungs, objective }: SweepReport): string {
  const reached = (rungs ?? [null]).map((epochs, rung) => {
    const there = trials.filter((trial) => trial.rungs.length > rung).length;
    if (rung > 0 && there === 0) return null;
    return rung === 0
      ? `${there} of ${times(wanted, 'trial')} have come to ${epochs === null ? 'a value' : times(epochs, 'epoch')}`
      : `${there} to ${epochs}`;
  });
  const [best] = trials;
  const last = best?.rungs.findLast(({ value }) => value !== null);
  const settings = Object.entries(best?.parameters ?? {}).map(
    ([name, value]) => `${name} ${oneLine(settingText(value), longestSetting)}`,
  );
  const found =
    best && last?.value != null
      ? `; the best so far is trial ${best.trial}, ${objective} ${figure(last.value)}${last.epochs === null ? '' : ` after ${times(last.epochs, 'epoch')}`}: ${settings.join(', ')}`
      : '';
  return `${step}: ${reached.filter((each) => each !== null).join(', ')}${found}`;
}
