import type { Json } from '../contracts/json.ts';
import { type TrialResult, trialParameters } from '../contracts/kinds/trial.ts';
import { oneLine } from '../contracts/short-text.ts';
import { mean } from '../evaluation/metrics/statistics.ts';
import { loadEpochMetrics, loadStepResult, takePlace } from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Writes down what a trial of a sweep came to: the mean of its replicates, of which none may be lost. */
export async function trial(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const { sweep: _, trial, rung, values, problems, steps, arrivals } = trialParameters.parse(parameters);
  const seconds = await Promise.all(steps.map((each) => secondsOf(context, step.run, each)));
  const result: TrialResult = {
    ...measured(values, problems),
    seconds: seconds.reduce((sum, each) => sum + each, 0),
    ...(arrivals === undefined ? {} : { arrival: await takePlace(context.store, step.run, arrivals, { trial, rung }) }),
  };
  return finishStep(context, step, result);
}

/**
 * The value of a trial, or why it is lost.
 *
 * @param values the objective of each replicate, as its step gave it; a program of the user's own may give anything
 * @param problems what its steps failed with
 */
export function measured(
  values: readonly Json[],
  problems: readonly string[],
): Pick<TrialResult, 'value' | 'values' | 'lost'> {
  const numbers = values.map((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null));
  const there = numbers.filter((value) => value !== null);
  if (there.length === values.length) return { value: mean(there), values: numbers };
  return { value: null, values: numbers, lost: problems[0] ?? notMeasured(values) };
}

const longestObjective = 60;

/** Why a trial whose steps are all done has no value. */
function notMeasured(values: readonly Json[]): string {
  const found = values.find((value) => typeof value !== 'number' && value !== null);
  return found === undefined
    ? 'its objective was not measured: the result of its step has none'
    : `its objective must be a number, not ${oneLine(JSON.stringify(found), longestObjective)}`;
}

/** What a step has computed in this run; one that was lost, its epochs. */
async function secondsOf({ store }: ActivityContext, run: string, step: string): Promise<number> {
  const stored = await loadStepResult(store, { run, step });
  if (stored) return stored.seconds ?? 0;
  const epochs = await loadEpochMetrics(store, { run, step });
  return epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
}
