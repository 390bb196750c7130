import { artifactRefSchema } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type SweepParameters, type SweepResult, sweepParameters } from '../contracts/kinds/sweep.ts';
import { deviation, mean } from '../evaluation/metrics/statistics.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Says which trial of a sweep is the best, with what it made. */
export async function sweep(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  // What it takes was made by others.
  return finishStep(context, step, resultOfSweep(sweepParameters.parse(parameters)), { made: false });
}

/**
 * The result of a sweep that is over.
 *
 * @throws ContrailError InvalidInput where no trial was measured
 */
export function resultOfSweep({ ended, takes = {} }: SweepParameters): SweepResult & Readonly<Record<string, unknown>> {
  if (!ended)
    throw new ContrailError('InvalidInput', 'This sweep is not over: a pipeline cannot start its end by itself.');
  const { winner, trials, epochs, seconds } = ended;
  const [first] = trials;
  const row = trials.find(({ trial }) => trial === winner?.trial);
  if (!winner || !row)
    throw new ContrailError(
      'InvalidInput',
      `None of the ${trials.length} trials came to a value${first?.lost === undefined ? '' : `; the first was lost: ${first.lost}`}`,
    );
  const artifacts = Object.entries(takes).map(([kind, { step, field }]) => [
    kind,
    artifactRefSchema.parse(winner.steps[step]?.[field]),
  ]);
  return {
    value: mean(winner.values),
    deviation: deviation(winner.values),
    trial: winner.trial,
    seed: winner.seed,
    parameters: row.parameters,
    steps: winner.steps,
    trials: trials.length,
    lost: trials.filter(({ rungs }) => rungs.every(({ value }) => value === null)).length,
    epochs,
    minutes: seconds / 60,
    table: trials,
    ...Object.fromEntries(artifacts),
  };
}
