import { outOfDistributionInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { writeStepReport } from './step-report.ts';
import { finishStep } from './step-result.ts';

/** Measures how well images of another data set are told from those of the known classes. */
export async function outOfDistribution(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = outOfDistributionInput.parse({ run, step, ...inputs, params: parameters });
  const result = await runOnceInTrainer(context, 'out-of-distribution', job);
  await writeStepReport(context.store, { run, step }, 'out-of-distribution', result);
  return finishStep(context, { run, step, fingerprint }, result);
}
