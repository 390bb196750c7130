import { type ChooseParams, type ChooseResult, chooseParams } from '../contracts/step-kinds.ts';
import { deviation, mean } from '../report/statistics.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Takes the best of a matrix. */
export async function choose(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  return finishStep(context, step, chooseBest(chooseParams.parse(parameters)));
}

/** The best of several by a number, of equals the first, with the artifacts that belong to it. */
export function chooseBest({ by, goal, ...artifacts }: ChooseParams): ChooseResult {
  const better = goal === 'highest' ? Math.max : Math.min;
  const value = by.reduce((best, each) => better(best, each));
  const index = by.indexOf(value);
  const chosen = Object.entries(artifacts).flatMap(([name, list]) => (list?.[index] ? [[name, list[index]]] : []));
  return {
    index,
    value,
    mean: mean(by),
    deviation: deviation(by) ?? 0,
    count: by.length,
    ...Object.fromEntries(chosen),
  };
}
