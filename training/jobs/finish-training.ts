import { knownClasses } from '../../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../../contracts/encoder.ts';
import { type ClassifierAbout, classifierFile } from '../../contracts/evaluation.ts';
import { namedLoss } from '../../contracts/losses.ts';
import type { FinishTrainingInput, FinishTrainingResult } from '../../contracts/trainer.ts';
import { isContrastive } from '../../contracts/training.ts';
import { describeDataset, imageFormOf } from '../../datasets/index.ts';
import { encodeSafetensors, writeArtifact } from '../../store/index.ts';
import { takeAverages } from '../averages.ts';
import { recomputeBatchNormStatistics } from '../batch-norm-statistics.ts';
import { classifierLayer } from '../objectives/classification.ts';
import type { ParameterSpec } from '../parameters.ts';
import type { JobContext } from '../process/job.ts';
import { readState } from '../state.ts';
import { reachEpoch } from './train-epoch.ts';
import type { Training, TrainingSlot } from './training-slot.ts';

/**
 * Takes the encoder out of a finished training: by the averages of its weights, where there are any; recomputes its batch-norm
 * statistics over training images, and stores it apart from the projection head.
 */
export async function finishTraining(
  slot: TrainingSlot,
  input: FinishTrainingInput,
  context: JobContext,
): Promise<FinishTrainingResult> {
  try {
    const { training } = await reachEpoch(slot, input, input.recorded.epoch, context);
    const { session } = training;
    takeAverages(session.model, session.execution);
    const batchNormImages = await recomputeBatchNormStatistics(session.model, session.execution, {
      source: session.source,
      count: session.count,
      seed: input.config.seed,
      onBatch: (done, total) => context.progress({ phase: 'batch-norm statistics', done, total, unit: 'batches' }),
    });
    const { encoder, objective } = session.model;
    const form = imageFormOf(await describeDataset(context.store, input.dataset));
    const about: EncoderAbout = {
      encoder: input.config.encoder,
      dimension: encoder.dimension,
      image: encoderAboutSchema.shape.image.parse({
        ...session.format,
        mean: [...session.format.mean],
        deviation: [...session.format.deviation],
      }),
      ...(form ? { form } : {}),
      dataset: input.dataset.digest,
      trainingState: input.recorded.digest,
      ...otherLoss(input.config),
      epochs: input.recorded.epoch,
      batchNormImages,
    };
    const contentOf = (specs: readonly ParameterSpec[]) => encodeSafetensors(readState(specs, session.execution));
    const ref = await writeArtifact(context.store, {
      kind: 'encoder',
      about,
      files: [
        { path: encoderFiles.encoder, content: contentOf(encoder.parameters) },
        ...(isContrastive(input.config) && objective.parameters.length > 0
          ? [{ path: encoderFiles.projection, content: contentOf(objective.parameters) }]
          : []),
      ],
    });
    const made = { encoder: { ...ref, kind: 'encoder' } } as const;
    return isContrastive(input.config)
      ? made
      : { ...made, classifier: await storeClassifier(training, input, made, context) };
  } finally {
    // The statistics in memory are no longer those of the training state.
    await slot.release();
  }
}

/** The loss of an encoder that was pretrained with another one than SupCon. */
function otherLoss(config: FinishTrainingInput['config']): Pick<EncoderAbout, 'loss'> {
  if (!isContrastive(config)) return {};
  const { name } = namedLoss(config.loss);
  return name === 'supcon' ? {} : { loss: name };
}

/** The layer that was trained on the encoder, as a classifier like that of a linear probe. */
async function storeClassifier(
  { session }: Training,
  { config, dataset, recorded }: FinishTrainingInput,
  { encoder }: Pick<FinishTrainingResult, 'encoder'>,
  { store }: JobContext,
): Promise<NonNullable<FinishTrainingResult['classifier']>> {
  const about = await describeDataset(store, dataset);
  const classifier: ClassifierAbout = {
    ...knownClasses(about),
    dimension: session.model.encoder.dimension,
    encoder,
    dataset,
    learningRate: config.optimizer.learningRate,
    epochs: recorded.epoch,
    candidates: [],
  };
  const tensors = readState(session.model.objective.parameters, session.execution).map((tensor) => ({
    ...tensor,
    name: tensor.name.slice(classifierLayer.length + 1),
  }));
  const ref = await writeArtifact(store, {
    kind: 'classifier',
    about: classifier,
    files: [{ path: classifierFile, content: encodeSafetensors(tensors) }],
  });
  return { ...ref, kind: 'classifier' };
}
