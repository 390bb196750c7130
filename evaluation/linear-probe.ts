import { knownClasses } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type ClassifierAbout, classifierFile } from '../contracts/evaluation.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import { bytesOf, encodeSafetensors, writeArtifact } from '../store/index.ts';
import { type JobContext, stopIfAsked } from '../training/index.ts';
import { withFrozenEncoder } from './frozen-encoder.ts';
import type { LinearClassifier } from './linear-classifier.ts';
import { classifierAccuracy, fitSoftmaxClassifier } from './softmax-classifier.ts';

/**
 * The linear probe: a softmax classifier on the frozen encoder's embeddings. Each learning rate is tried from the same
 * start, the best on the validation images is kept; the test images are not looked at. The encoder's weights and batch-norm
 * statistics are hashed before and after.
 */
export async function linearProbe(
  input: JobInput<'linear-probe'>,
  context: JobContext,
): Promise<JobResult<'linear-probe'>> {
  const known = knownClasses(await describeDataset(context.store, input.dataset));
  const { classes } = known;
  const { train, validation } = await withFrozenEncoder(input, context, async (featuresOf) => ({
    train: await featuresOf('train'),
    validation: await featuresOf('validation'),
  }));
  const candidates: (LinearClassifier & ClassifierAbout['candidates'][number])[] = [];
  for (const [index, learningRate] of input.parameters.learningRates.entries()) {
    const { epochs, batch, weightDecay, seed } = input.parameters;
    const fitted = await fitSoftmaxClassifier(train, {
      classes: classes.length,
      epochs,
      batch,
      weightDecay,
      seed,
      learningRate,
      onEpoch: async (epoch) => {
        context.progress({
          phase: `probe at ${learningRate}`,
          done: index * epochs + epoch,
          total: input.parameters.learningRates.length * epochs,
          unit: 'epochs',
        });
        await new Promise(setImmediate);
        stopIfAsked(context);
      },
    });
    const finite = Number.isFinite(fitted.loss);
    candidates.push({
      ...fitted,
      learningRate,
      trainLoss: finite ? fitted.loss : null,
      validationTop1: finite && validation.count > 0 ? classifierAccuracy(fitted, validation) : null,
    });
  }
  const usable = candidates.filter(({ trainLoss }) => trainLoss !== null);
  const best = usable.toSorted(
    (a, b) => (b.validationTop1 ?? 0) - (a.validationTop1 ?? 0) || (a.trainLoss ?? 0) - (b.trainLoss ?? 0),
  )[0];
  if (!best)
    throw new ContrailError(
      'NonFiniteLoss',
      `The linear probe diverged at every learning rate (${input.parameters.learningRates.join(', ')}). Try smaller ones.`,
    );

  const about: ClassifierAbout = {
    ...known,
    dimension: train.dimension,
    encoder: input.encoder,
    dataset: input.dataset,
    learningRate: best.learningRate,
    epochs: input.parameters.epochs,
    candidates: candidates.map(({ learningRate, trainLoss, validationTop1 }) => ({
      learningRate,
      trainLoss,
      validationTop1,
    })),
  };
  const content = encodeSafetensors([
    { name: 'kernel', dtype: 'F32', shape: [train.dimension, classes.length], data: bytesOf(best.kernel) },
    { name: 'bias', dtype: 'F32', shape: [classes.length], data: bytesOf(best.bias) },
  ]);
  const ref = await writeArtifact(context.store, {
    kind: 'classifier',
    about,
    files: [{ path: classifierFile, content }],
  });
  return {
    classifier: { ...ref, kind: 'classifier' },
    validationTop1: best.validationTop1,
    learningRate: best.learningRate,
  };
}
