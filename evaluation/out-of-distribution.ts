import type { ArtifactRef, DatasetAbout } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { canonicalJson } from '../contracts/json.ts';
import { type DetectorName, type Outliers, outliersFile } from '../contracts/outliers.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset, openSplit } from '../datasets/index.ts';
import { jsonBytes, writeArtifact } from '../store/index.ts';
import { type JobContext, stopIfAsked } from '../training/index.ts';
import { fitMahalanobis } from './detectors/mahalanobis.ts';
import { nearestNeighbourScores } from './detectors/nearest-neighbours.ts';
import { softmaxScores } from './detectors/softmax.ts';
import { asEmbedding, unitLength } from './embedding.ts';
import { type FeaturesOf, withFrozenEncoder } from './frozen-encoder.ts';
import { measured } from './measured.ts';
import { areaUnder, falsePositivesAt, rocCurve, thinned } from './metrics/detection.ts';
import { openClassifier } from './open-classifier.ts';
import { classifyInBlocks } from './softmax-classifier.ts';
import { requireTestImages, spreadOver } from './split-views.ts';

type Detector = Outliers['detectors'][number];

/** Measures how well the test images of another data set are told from those of the encoder's own, by three scores. */
export async function outOfDistribution(
  input: JobInput<'out-of-distribution'>,
  context: JobContext,
): Promise<JobResult<'out-of-distribution'>> {
  const { encoder, dataset, outside } = input;
  const classifier = await openClassifier(context.store, input);
  const about = await describeDataset(context.store, dataset);
  const foreignAbout = await describeDataset(context.store, outside);
  if (canonicalJson(classifier.about.dataset) !== canonicalJson(dataset))
    throw new ContrailError(
      'InvalidInput',
      'The classifier was trained on another data set. Name its own, whose classes it knows, as `dataset`.',
    );
  requireForeign({ ref: dataset, about }, { ref: outside, about: foreignAbout });
  for (const each of [about, foreignAbout]) requireTestImages(each);

  const { train, known, foreign } = await withFrozenEncoder(input, context, async (featuresOf) => ({
    train: await featuresOf('train'),
    known: await testFeatures(featuresOf, dataset, 'known', input, context),
    foreign: await testFeatures(featuresOf, outside, 'foreign', input, context),
  }));
  const [knownUnit, foreignUnit, trainUnit] = [known, foreign, train].map((each) => unitLength(asEmbedding(each)));
  if (!knownUnit || !foreignUnit || !trainUnit) throw new Error('there are three sets of images');

  const softmax = [known, foreign].map((each) => {
    const scores = new Float64Array(each.count);
    classifyInBlocks(classifier, each, (probabilities, start) =>
      scores.set(softmaxScores(probabilities, classifier.about.classes.length), start),
    );
    return scores;
  });
  const near = await nearestNeighbourScores(trainUnit, [knownUnit, foreignUnit], input.parameters.k, (done, total) => {
    context.progress({ phase: 'nearest neighbours', done, total, unit: 'images' });
    stopIfAsked(context);
  });
  context.progress({ phase: 'mahalanobis', done: 0, total: train.count, unit: 'images' });
  const mahalanobis = fitMahalanobis({ ...trainUnit, labels: train.labels });
  const distances = [knownUnit, foreignUnit].map(mahalanobis);

  const byDetector = {
    'nearest-neighbours': measure('nearest-neighbours', near),
    mahalanobis: measure('mahalanobis', distances),
    softmax: measure('softmax', softmax),
  };
  const outliers: Outliers = {
    dataset: about.name,
    outside: foreignAbout.name,
    images: { known: known.count, outside: foreign.count },
    detectors: Object.values(byDetector),
  };
  const ref = await writeArtifact(context.store, {
    kind: 'outliers',
    about: { classifier: input.classifier, encoder, dataset, outside },
    files: [{ path: outliersFile, content: jsonBytes(outliers) }],
  });
  return {
    outliers: { ...ref, kind: 'outliers' },
    auroc: byDetector['nearest-neighbours'].auroc,
    mahalanobisAuroc: byDetector.mahalanobis.auroc,
    softmaxAuroc: byDetector.softmax.auroc,
  };
}

interface Described {
  readonly ref: ArtifactRef;
  readonly about: DatasetAbout;
}

/** @throws ContrailError InvalidInput where the data sets are one, or of different formats */
function requireForeign(known: Described, foreign: Described): void {
  if (known.ref.digest === foreign.ref.digest)
    throw new ContrailError(
      'InvalidInput',
      '`dataset` and `outside` are the same data set. Name another, whose images are none of the known classes, as `outside`.',
    );
  const [own, other] = [known.about.image, foreign.about.image];
  if (own.height !== other.height || own.width !== other.width)
    throw new ContrailError(
      'InvalidInput',
      `The images of ${known.about.name} are ${own.height}x${own.width}, and those of ${foreign.about.name} ${other.height}x${other.width}.`,
    );
  if (own.channels !== other.channels)
    throw new ContrailError(
      'InvalidInput',
      `The encoder takes images of ${channels(own.channels)}, and those of ${foreign.about.name} have ${channels(other.channels)}. Set \`channels: ${own.channels}\` in the prepare-data step of ${foreign.about.name}.`,
    );
}

const channels = (count: 1 | 3) => (count === 1 ? '1 channel (grey)' : '3 channels (colour)');

async function testFeatures(
  featuresOf: FeaturesOf,
  ref: ArtifactRef,
  what: string,
  { parameters }: JobInput<'out-of-distribution'>,
  context: JobContext,
) {
  const split = await openSplit(context.store, ref, 'test', (done, total) => {
    context.progress({ phase: `checking ${what} images`, done, total, unit: 'images' });
    stopIfAsked(context);
  });
  try {
    const test = spreadOver(split, parameters.images);
    return await featuresOf(test, { phase: `${what} features`, before: 0, total: test.count });
  } finally {
    await split.close();
  }
}

/** @param scores of the known and of the foreign images */
function measure(name: DetectorName, [known = [], foreign = []]: readonly ArrayLike<number>[]): Detector {
  const curve = rocCurve(known, foreign);
  return {
    name,
    auroc: measured(areaUnder(curve)),
    falsePositivesAt95: measured(falsePositivesAt(curve, 0.95)),
    roc: thinned(curve),
  };
}
