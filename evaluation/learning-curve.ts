import { trainedClassesOf } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type LearningCurve, learningCurveFile } from '../contracts/learning-curve.ts';
import type { JobInput, JobResult, TrainerProgress } from '../contracts/trainer.ts';
import { describeDataset, type OpenSplit, openSplit } from '../datasets/index.ts';
import { jsonBytes, loadEpochMetrics, writeArtifact } from '../store/index.ts';
import { createEncoderAtCheckpoint, type JobContext, stopIfAsked } from '../training/index.ts';
import { asEmbedding } from './embedding.ts';
import { requireImageFormat } from './frozen-encoder.ts';
import { keptEpochs } from './kept-epochs.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import { measured } from './measured.ts';
import { nearestNeighbourAccuracy } from './nearest-neighbours.ts';
import { classifierAccuracy, fitSoftmaxClassifier } from './softmax-classifier.ts';
import { spreadOver } from './split-views.ts';

/** Enough for a probe that ranks epochs; the linear-probe step tries learning rates, and longer. */
const probe = { epochs: 20, batch: 256, learningRate: 0.01, weightDecay: 0 } as const;

/**
 * Measures the encoder of a training after every epoch whose checkpoint is kept, by a linear probe and nearest neighbours
 * on the validation images. The test images are not looked at. Checkpoints that do not verify are left out.
 *
 * @throws ContrailError InvalidInput where there are no validation images, or no checkpoint is left
 */
export async function learningCurve(
  { dataset, parameters }: JobInput<'learning-curve'>,
  context: JobContext,
): Promise<JobResult<'learning-curve'>> {
  const { store } = context;
  const about = await describeDataset(store, dataset);
  const { name, splits } = about;
  if (splits.validation.count === 0)
    throw new ContrailError(
      'InvalidInput',
      'A learning curve is measured on the validation images, and the data set has none; set `validation` in its prepare-data step.',
    );
  const checkpoints = await keptEpochs(store, parameters.training, parameters.every);
  const report = (phase: string, done: number, total: number, unit: TrainerProgress['unit'] = 'images') => {
    context.progress({ phase, done, total, unit });
    stopIfAsked(context);
  };
  const metrics = await loadEpochMetrics(store, parameters.training);
  const secondsUntil = (last: number) =>
    metrics.filter(({ epoch }) => epoch <= last).reduce((sum, { seconds }) => sum + seconds, 0);
  const points: LearningCurve['points'][number][] = [];
  const encoderAt = createEncoderAtCheckpoint(store);
  const train = await openSplit(store, dataset, 'train', (done, total) => report('checking train images', done, total));
  const validation = await openSplit(store, dataset, 'validation', (done, total) =>
    report('checking validation images', done, total),
  );
  const chosen = spreadOver(train, parameters.images);
  try {
    for (const checkpoint of checkpoints) {
      const { epoch, metrics: recorded } = checkpoint.manifest;
      const prefix = `epoch ${epoch}`;
      const { embedder, image } = await encoderAt.take(await checkpoint.load(), {
        onProgress: (phase, done, total) => report(`${prefix}: ${phase}`, done, total, 'batches'),
      });
      requireImageFormat("The training's images are", image, train);
      const featuresOf = async (split: OpenSplit, what: string): Promise<LabelledFeatures> => ({
        ...(await embedder.featuresOf(split, (done, total) => report(`${prefix}: ${what} features`, done, total))),
        count: split.count,
        dimension: embedder.dimension,
      });
      const [known, asked] = [await featuresOf(chosen, 'train'), await featuresOf(validation, 'validation')];
      points.push({
        epoch,
        seconds: secondsUntil(epoch),
        loss: recorded.loss,
        probe: await probeAccuracy(known, asked, trainedClassesOf(about).length, parameters.seed, (done) =>
          report(`${prefix}: probe`, done, probe.epochs, 'epochs'),
        ),
        knn: await neighbourAccuracy(known, asked, parameters.neighbours, (done, total) =>
          report(`${prefix}: nearest neighbours`, done, total),
        ),
      });
    }
  } finally {
    await encoderAt.close();
    await train.close();
    await validation.close();
  }
  const last = points.at(-1);
  if (!last) throw new Error('a training has a kept epoch, or an error says that it has none');
  const curve: LearningCurve = {
    dataset: name,
    images: { train: chosen.count, validation: validation.count },
    points,
  };
  const ref = await writeArtifact(store, {
    kind: 'curve',
    about: { training: parameters.training, dataset },
    files: [{ path: learningCurveFile, content: jsonBytes(curve) }],
  });
  return { curve: { ...ref, kind: 'curve' }, epochs: points.length, probe: last.probe, knn: last.knn };
}

async function probeAccuracy(
  train: LabelledFeatures,
  validation: LabelledFeatures,
  classes: number,
  seed: number,
  onEpoch: (done: number) => void,
): Promise<number> {
  const fitted = await fitSoftmaxClassifier(train, {
    ...probe,
    classes,
    seed,
    onEpoch: async (epoch) => {
      await new Promise(setImmediate);
      onEpoch(epoch);
    },
  });
  return measured(classifierAccuracy(fitted, validation));
}

async function neighbourAccuracy(
  train: LabelledFeatures,
  validation: LabelledFeatures,
  k: number,
  onProgress: (done: number, total: number) => void,
): Promise<number> {
  const options = { ks: [k], onProgress };
  const [found] = await nearestNeighbourAccuracy(asEmbedding(train), asEmbedding(validation), options);
  return measured(found?.accuracy);
}
