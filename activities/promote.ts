import type { z } from 'zod';
import { promoteParameters, type promoteResult } from '../contracts/kinds/promote.ts';
import type { ModelVersion } from '../contracts/models.ts';
import { candidateOf, datasetOf } from '../evaluation/promotion/candidate.ts';
import { judge } from '../evaluation/promotion/judge.ts';
import { promoteModel } from '../evaluation/promotion/promote.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/**
 * Promotes a model that is better than the current one on test images that neither has seen. A current model that was measured
 * on other test images is measured again, on the candidate's.
 */
export async function promote(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const { model, force, ...terms } = promoteParameters.parse(parameters);
  const { evaluation } = inputs;
  if (!evaluation) throw new Error('a promote step takes an evaluation');
  const { store } = context;
  const candidate = await candidateOf(store, { run, step }, evaluation);
  const dataset = await datasetOf(store, evaluation);
  const measureAgain = async ({ encoder, classifier }: ModelVersion, k: number) => {
    const job = { run, step, encoder, classifier, dataset, parameters: { neighbours: [k] } };
    return (await runOnceInTrainer(context, 'evaluate', job)).evaluation;
  };
  const result: z.infer<typeof promoteResult> = await promoteModel(store, candidate, {
    model,
    metric: terms.metric,
    force,
    judge: (current) => judge(store, candidate, current, { ...terms, measureAgain }),
  });
  return finishStep(context, { run, step, fingerprint }, result);
}
