import type { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { evaluateParameters } from '../contracts/kinds/evaluate.ts';
import { type PromoteParameters, promoteParameters, type promoteResult } from '../contracts/kinds/promote.ts';
import { retrievalParameters } from '../contracts/kinds/retrieval.ts';
import { type Candidate, isSearchMetric, type Judgement, type ModelVersion } from '../contracts/models.ts';
import { retrievalAboutSchema } from '../contracts/retrieval.ts';
import { indexAboutSchema } from '../contracts/vector-index.ts';
import { candidateOf, datasetOf } from '../evaluation/promotion/candidate.ts';
import { judge } from '../evaluation/promotion/judge.ts';
import { judgeSearch } from '../evaluation/promotion/judge-search.ts';
import { promoteModel } from '../evaluation/promotion/promote.ts';
import { readAbout, type Store } from '../store/index.ts';
import { requireEncoder } from '../vectors/index.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/**
 * Promotes a model that is better than the current one on test images that neither has seen. A current model that was measured
 * on other test images is measured again, on the candidate's.
 */
export async function promote(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const wanted = promoteParameters.parse(parameters);
  const measured = isSearchMetric(wanted.metric) ? inputs.retrieval : inputs.evaluation;
  if (!measured) throw new Error('a promote step takes an evaluation, or a retrieval, as its metric says');
  const { store } = context;
  const candidate = await withIndex(store, await candidateOf(store, { run, step }, measured), inputs.index);
  const { model, metric, force } = wanted;
  const result: z.infer<typeof promoteResult> = await promoteModel(store, candidate, {
    model,
    metric,
    force,
    judge: (current) => judgeAgainst(context, { run, step }, candidate, current, wanted),
  });
  return finishStep(context, { run, step, fingerprint }, result);
}

/** An index of another encoder would answer with nonsense. @throws ContrailError InvalidInput */
export async function withIndex(
  store: Store,
  candidate: Candidate,
  index: ArtifactRef | undefined,
): Promise<Candidate> {
  if (!index) return candidate;
  requireEncoder(await readAbout(store, index, indexAboutSchema), candidate.encoder, 'the model that is promoted');
  return { ...candidate, index };
}

async function judgeAgainst(
  context: ActivityContext,
  { run, step }: StepKey,
  candidate: Candidate,
  current: ModelVersion,
  { metric, ...terms }: PromoteParameters,
): Promise<Judgement> {
  const { store } = context;
  const { evaluation } = candidate;
  if (isSearchMetric(metric)) {
    const { dataset } = await readAbout(store, evaluation, retrievalAboutSchema);
    const { encoder } = current;
    return judgeSearch(store, candidate, current, {
      ...terms,
      metric,
      measureAgain: async (_, { query, gallery }) => {
        const job = { run, step, encoder, dataset, parameters: retrievalParameters.parse({ query, gallery }) };
        return (await runOnceInTrainer(context, 'retrieval', job)).retrieval;
      },
    });
  }
  const dataset = await datasetOf(store, evaluation);
  return judge(store, candidate, current, {
    ...terms,
    metric,
    measureAgain: async ({ encoder, classifier }, k) => {
      if (classifier === null) return `version ${current.version} has no classifier`;
      const job = {
        run,
        step,
        encoder,
        classifier,
        dataset,
        parameters: evaluateParameters.parse({ neighbours: [k] }),
      };
      return (await runOnceInTrainer(context, 'evaluate', job)).evaluation;
    },
  });
}
