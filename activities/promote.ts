import type { z } from 'zod';
import { classifierAboutSchema } from '../contracts/evaluation.ts';
import { canonicalJson } from '../contracts/json.ts';
import type { MetricName, ModelVersion } from '../contracts/models.ts';
import { promoteParams, type promoteResult } from '../contracts/step-kinds.ts';
import { describeDataset } from '../datasets/index.ts';
import { candidateOf, datasetOf, promoteModel, readAbout } from '../store/index.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/**
 * Promotes a model that is better than the current one. A current model that was measured on another test set is measured
 * again, on the candidate's.
 */
export async function promote(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const { model, metric, margin, force } = promoteParams.parse(parameters);
  const { evaluation } = inputs;
  if (!evaluation) throw new Error('a promote step takes an evaluation');
  const candidate = await candidateOf(context.store, { run, step }, evaluation);
  const dataset = await datasetOf(context.store, evaluation);
  const measureAgain = async ({
    encoder,
    classifier,
  }: ModelVersion): Promise<Record<MetricName, number | null> | null> => {
    const about = await readAbout(context.store, classifier, classifierAboutSchema);
    const { classes } = await describeDataset(context.store, dataset);
    if (canonicalJson(about.classes) !== canonicalJson(classes)) return null;
    const params = { neighbours: [20] };
    const job = { run, step, encoder, classifier, dataset, params };
    const { top1, top5, macroF1, knn } = await runOnceInTrainer(context, 'evaluate', job);
    return { top1, top5, macroF1, knn };
  };
  const result: z.infer<typeof promoteResult> = await promoteModel(context.store, candidate, {
    model,
    metric,
    margin,
    force,
    measureAgain,
  });
  return finishStep(context, { run, step, fingerprint }, result);
}
