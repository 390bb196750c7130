import { learningCurveInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Measures the encoder after the epochs whose checkpoints are kept. */
export async function learningCurve(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = learningCurveInput.parse({ run, step, ...inputs, params: parameters });
  return finishStep(context, { run, step, fingerprint }, await runOnceInTrainer(context, 'learning-curve', job));
}
