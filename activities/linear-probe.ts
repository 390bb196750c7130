import { linearProbeInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Trains a linear classifier on the frozen encoder. */
export async function linearProbe(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = linearProbeInput.parse({ run, step, ...inputs, params: parameters });
  return finishStep(context, { run, step, fingerprint }, await runOnceInTrainer(context, 'linear-probe', job));
}
