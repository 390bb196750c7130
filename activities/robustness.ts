import { robustnessInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { writeStepReport } from './step-report.ts';
import { finishStep } from './step-result.ts';

/** Measures the classifier on spoilt test images. */
export async function robustness(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = robustnessInput.parse({ run, step, ...inputs, params: parameters });
  const result = await runOnceInTrainer(context, 'robustness', job);
  await writeStepReport(context.store, { run, step }, 'robustness', result);
  return finishStep(context, { run, step, fingerprint }, result);
}
