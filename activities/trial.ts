import { type TrialResult, trialParameters } from '../contracts/kinds/trial.ts';
import { mean } from '../evaluation/metrics/statistics.ts';
import { loadEpochMetrics, loadStepResult, takePlace } from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Writes down what a trial of a sweep came to: the mean of its replicates, of which none may be lost. */
export async function trial(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const { sweep: _, trial, rung, values, problems, steps, arrivals } = trialParameters.parse(parameters);
  const measured = values.filter((value) => value !== null);
  const isWhole = measured.length === values.length;
  const seconds = await Promise.all(steps.map((each) => secondsOf(context, step.run, each)));
  const result: TrialResult = {
    value: isWhole ? mean(measured) : null,
    values,
    seconds: seconds.reduce((sum, each) => sum + each, 0),
    ...(isWhole ? {} : { lost: problems[0] ?? 'its objective was not measured' }),
    ...(arrivals === undefined ? {} : { arrival: await takePlace(context.store, step.run, arrivals, { trial, rung }) }),
  };
  return finishStep(context, step, result);
}

/** What a step has computed in this run; one that was lost, its epochs. */
async function secondsOf({ store }: ActivityContext, run: string, step: string): Promise<number> {
  const stored = await loadStepResult(store, { run, step });
  if (stored) return stored.seconds ?? 0;
  const epochs = await loadEpochMetrics(store, { run, step });
  return epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
}
