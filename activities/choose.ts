import { ContrailError } from '../contracts/errors.ts';
import { type ChooseParameters, type ChooseResult, chooseParameters } from '../contracts/kinds/choose.ts';
import { deviation, mean } from '../evaluation/metrics/statistics.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Takes the best of a matrix. */
export async function choose(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  // What it takes was made by others.
  return finishStep(context, step, chooseBest(chooseParameters.parse(parameters)), { made: false });
}

/**
 * The best of several by a number, of equals the first, with the artifacts that belong to it.
 *
 * @throws ContrailError InvalidInput where none was measured
 */
export function chooseBest({ by, goal, ...artifacts }: ChooseParameters): ChooseResult {
  const better = goal === 'highest' ? Math.max : Math.min;
  const measured = by.filter((each) => each !== null);
  if (measured.length === 0)
    throw new ContrailError(
      'InvalidInput',
      'None of `by` was measured, so there is no best. Choose by another number.',
    );
  const value = measured.reduce((best, each) => better(best, each));
  const index = by.indexOf(value);
  const chosen = Object.entries(artifacts).flatMap(([name, list]) => (list?.[index] ? [[name, list[index]]] : []));
  return {
    index,
    value,
    mean: mean(measured),
    deviation: deviation(measured),
    count: measured.length,
    ...Object.fromEntries(chosen),
  };
}
