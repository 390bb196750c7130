import { log } from '@temporalio/activity';
import type { z } from 'zod';
import { encoderAboutSchema, trainedOn } from '../contracts/encoder.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { type UseModelParameters, useModelParameters, type useModelResult } from '../contracts/kinds/use-model.ts';
import { findModel, type UsedModel } from '../serving/find-model.ts';
import { readAbout, type Store } from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Takes a model that was promoted, or what a run made, as it is now. */
export async function useModel(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const { name, version, run, encoder, classifier, evaluation, index } = await find(
    context.store,
    useModelParameters.parse(parameters),
  );
  const ofKind = <K extends string>(ref: UsedModel['index'], kind: K) => ref && { kind, digest: ref.digest };
  const result: z.infer<typeof useModelResult> = {
    encoder: { kind: 'encoder', digest: encoder.digest },
    classifier: ofKind(classifier, 'classifier'),
    evaluation: ofKind(evaluation, 'evaluation'),
    index: ofKind(index, 'index'),
    dataset: ofKind(trainedOn(await readAbout(context.store, encoder, encoderAboutSchema)).at(-1) ?? null, 'dataset'),
    name,
    version,
    run,
  };
  log.info(`takes ${name}${version === null ? '' : `, version ${version}`}`, { run: step.run, step: step.step });
  // Another version may be current later.
  return finishStep(context, step, result, { cache: false, made: false });
}

/** @throws ContrailError InvalidInput where there is none: another attempt finds none either */
async function find(store: Store, { model, run, step }: UseModelParameters): Promise<UsedModel> {
  try {
    return await findModel(store, model === undefined ? { run: run ?? '', ...(step ? { step } : {}) } : { model });
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'Usage') throw error;
    throw new ContrailError('InvalidInput', error.message, { cause: error });
  }
}
