import { evaluateInput } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { writeEvaluationReport } from './look-up-step.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Evaluates on the test images, and puts what was measured into the run's report folder. */
export async function evaluate(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = evaluateInput.parse({ run, step, ...inputs, params: parameters });
  const result = await runOnceInTrainer(context, 'evaluate', job);
  await writeEvaluationReport(context.store, { run, step }, result.evaluation);
  return finishStep(context, { run, step, fingerprint }, result);
}
