import { evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import { evaluateInput } from '../contracts/trainer.ts';
import { formatEvaluation } from '../evaluation/format.ts';
import { parseJson, readArtifactFile, writeReportFile } from '../store/index.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Evaluates on the test images, and puts what was measured into the run's report folder. */
export async function evaluate(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const job = evaluateInput.parse({ run, step, ...inputs, params: parameters });
  const result = await runOnceInTrainer(context, 'evaluate', job);
  const evaluation = await readArtifactFile(context.store, result.evaluation, evaluationFile);
  const markdown = formatEvaluation(evaluationSchema.parse(parseJson(evaluation)));
  await writeReportFile(context.store, run, `${step}.json`, evaluation);
  await writeReportFile(context.store, run, `${step}.md`, new TextEncoder().encode(markdown));
  return finishStep(context, { run, step, fingerprint }, result);
}
