import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../../contracts/encoder.ts';
import type { FinishTrainingInput, FinishTrainingResult } from '../../contracts/trainer.ts';
import { encodeSafetensors, writeArtifact } from '../../store/index.ts';
import { recomputeBatchNormStatistics } from '../batch-norm-statistics.ts';
import type { ParameterSpec } from '../parameters.ts';
import type { JobContext } from '../process/job.ts';
import { readState } from '../state.ts';
import { trainUpTo } from './train-epoch.ts';
import type { TrainingSlot } from './training-slot.ts';

/** Batches of training images over which the batch-norm statistics are recomputed. */
const statisticsBatches = 100;
const statisticsBatch = 256;

/**
 * Takes the encoder out of a finished training: recomputes its batch-norm statistics over training images, and stores it
 * apart from the projection head.
 */
export async function finishTraining(
  slot: TrainingSlot,
  input: FinishTrainingInput,
  context: JobContext,
): Promise<FinishTrainingResult> {
  try {
    const { training } = await slot.position(input, { epoch: input.recorded.epoch, step: 0 }, context);
    const { session } = training;
    await trainUpTo(training, input, input.recorded.epoch, context);
    const batchNormImages = recomputeBatchNormStatistics(session.model, session.execution, {
      count: session.count,
      batch: statisticsBatch,
      batches: statisticsBatches,
      seed: input.config.seed,
      onBatch: (done, total) => context.progress({ phase: 'batch-norm statistics', done, total, unit: 'batches' }),
    });
    const { encoder, state } = session.model;
    const head = state.filter(({ name }) => name.startsWith('projection_'));
    const about: EncoderAbout = {
      encoder: input.config.encoder,
      dimension: encoder.dimension,
      image: encoderAboutSchema.shape.image.parse({
        ...session.format,
        mean: [...session.format.mean],
        deviation: [...session.format.deviation],
      }),
      dataset: input.dataset.digest,
      trainingState: input.recorded.digest,
      epochs: input.recorded.epoch,
      batchNormImages,
    };
    const contentOf = (specs: readonly ParameterSpec[]) => encodeSafetensors(readState(specs, session.execution));
    const ref = await writeArtifact(context.store, {
      kind: 'encoder',
      about,
      files: [
        { path: encoderFiles.encoder, content: contentOf(encoder.parameters) },
        { path: encoderFiles.projection, content: contentOf(head) },
      ],
    });
    return { encoder: { ...ref, kind: 'encoder' } };
  } finally {
    // The statistics in memory are no longer those of the training state.
    slot.release();
  }
}
