import { evaluateInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { writeStepReport } from './step-report.ts';
import { finishStep } from './step-result.ts';

/** Evaluates on the test images, and puts what was measured into the run's report folder. */
export async function evaluate(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = evaluateInput.parse({ run, step, ...inputs, params: parameters });
  const result = await runOnceInTrainer(context, 'evaluate', job);
  await writeStepReport(context.store, { run, step }, 'evaluate', result);
  return finishStep(context, { run, step, fingerprint }, result);
}
