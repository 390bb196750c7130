import { isFromHub } from '../contracts/initial-weights.ts';
import { loadEncoderParameters } from '../contracts/kinds/load-encoder.ts';
import type { ActivityContext } from './context.ts';
import { fetchWeights } from './hub-weights.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { trainerStep } from './trainer-step.ts';

const inTrainer = trainerStep('load-encoder');

/** Loads an encoder in a trainer. Weights of the hub are fetched by the worker, which has the token; the trainer gets a file. */
export async function loadEncoder(context: ActivityContext, input: StepInput) {
  const { parameters, run, step } = stepInputSchema.parse(input);
  const { weights } = loadEncoderParameters.parse(parameters);
  if (!isFromHub(weights)) return inTrainer(context, input);
  const { sha256, names } = weights;
  const local = { path: await fetchWeights(context, { run, step }, weights), sha256, ...(names ? { names } : {}) };
  return inTrainer(context, { ...input, parameters: { ...input.parameters, weights: local } });
}
