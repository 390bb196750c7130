import { cancellationSignal } from '@temporalio/activity';
import { z } from 'zod';
import { stepKeySchema } from '../contracts/identifiers.ts';
import { type StepResult, stepKinds } from '../contracts/step-kinds.ts';
import { recordedStateSchema, type TrainEpochResult } from '../contracts/trainer.ts';
import { segmentSchema } from '../contracts/training-changes.ts';
import type { TrainingKindName } from '../contracts/training-kinds.ts';
import { saveEpochMetrics } from '../store/index.ts';
import { type ActivityContext, runInTrainer } from './context.ts';
import { withInitialWeights } from './hub-weights.ts';
import { trainingStepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';
import { showEnd, showEpoch } from './tensorboard.ts';

/** What went before the present config of a training. */
const pastSchema = z.strictObject({
  earlier: z.array(segmentSchema).optional(),
  startsAt: z.int().positive().optional(),
});

export const trainEpochInput = trainingStepInputSchema.extend({
  ...pastSchema.shape,
  epoch: z.int().positive(),
  recorded: recordedStateSchema.optional(),
  mayReturnTo: z.array(z.int().nonnegative()).optional(),
  until: z.int().positive().optional(),
});
export const finishTrainingInput = trainingStepInputSchema.extend({
  ...pastSchema.shape,
  fingerprint: z.string(),
  recorded: recordedStateSchema,
  loss: z.number(),
  bestLoss: z.number(),
  /** False where the training was not the same from its first epoch to its last. */
  cache: z.boolean().optional(),
});
export type TrainEpochStepInput = z.input<typeof trainEpochInput>;
export type FinishTrainingStepInput = z.input<typeof finishTrainingInput>;

/** What decides the numbers of a training, apart from what does not. */
export function splitParameters(uses: TrainingKindName, parameters: Readonly<Record<string, unknown>>) {
  const { checkpoint, data, replicas, health: _, stop: __, ...config } = stepKinds[uses].parameters.parse(parameters);
  return { checkpoint, data, ...(replicas === undefined ? {} : { replicas }), config };
}

const pastOf = (uses: TrainingKindName, { earlier, startsAt }: z.output<typeof pastSchema>) => ({
  ...(earlier
    ? { earlier: earlier.map((each) => ({ ...each, config: splitParameters(uses, each.config).config })) }
    : {}),
  ...(startsAt === undefined ? {} : { startsAt }),
});

/** Trains one epoch; done means that its checkpoint is durable. One that is stopped leaves no trainer behind. */
export async function trainEpoch(context: ActivityContext, input: TrainEpochStepInput): Promise<TrainEpochResult> {
  const { uses, parameters, recorded, earlier, startsAt, ...rest } = trainEpochInput.parse(input);
  const past = pastOf(uses, { earlier, startsAt });
  const job = { ...rest, ...splitParameters(uses, parameters), ...past, ...(recorded ? { recorded } : {}) };
  const { run, step, dataset, config } = job;
  try {
    const result = await withInitialWeights(context, { run, step }, config.initialWeights, (file) =>
      runInTrainer(context, 'train-epoch', { ...job, ...file }),
    );
    await saveEpochMetrics(context.store, rest, { epoch: result.epoch, ...result.metrics });
    await showEpoch(context.store, rest, parameters, result.epoch, result.metrics, () =>
      runInTrainer(context, 'sample-views', { run, step, dataset, config }),
    );
    return result;
  } finally {
    if (cancellationSignal().aborted) await context.host.close(rest);
  }
}

/** Takes the encoder, and the classifier where there is one, out of a finished training. */
export async function finishTraining(context: ActivityContext, input: FinishTrainingStepInput) {
  const { uses, parameters, fingerprint, loss, bestLoss, recorded, cache, earlier, startsAt, ...rest } =
    finishTrainingInput.parse(input);
  const job = { ...rest, ...splitParameters(uses, parameters), ...pastOf(uses, { earlier, startsAt }), recorded };
  const { run, step } = rest;
  const made = await withInitialWeights(context, { run, step }, job.config.initialWeights, (file) =>
    runInTrainer(context, 'finish-training', { ...job, ...file }),
  );
  await context.host.close(rest);
  await showEnd(context.store, rest, recorded.epoch);
  const result: StepResult<'pretrain'> | StepResult<'train-classifier'> = {
    ...made,
    epochs: recorded.epoch,
    loss,
    bestLoss,
    digest: recorded.digest,
    trained: { run: rest.run, step: rest.step },
  };
  return finishStep(context, { ...rest, fingerprint }, result, { cache: cache ?? true });
}

export type CloseTrainerInput = z.input<typeof stepKeySchema>;

/** Ends the trainer of a step that waits for a person, so that its memory is free. */
export const closeTrainer = ({ host }: ActivityContext, input: CloseTrainerInput): Promise<void> =>
  host.close(stepKeySchema.parse(input));
