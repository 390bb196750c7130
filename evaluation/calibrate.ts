import type { Calibration } from '../contracts/calibration.ts';
import type { KnownCounts } from '../contracts/known-images.ts';
import { spreadRows } from '../datasets/index.ts';
import { type Tensor2D, tf } from '../training/index.ts';
import { asEmbedding, rowsOf, unitRows } from './embedding.ts';
import type { LabelledFeatures, LinearClassifier } from './linear-classifier.ts';
import { expectedCalibrationError, reliability } from './metrics/calibration.ts';
import type { Answers } from './metrics/classification.ts';
import { refusalThreshold, refusedBy } from './metrics/open-set.ts';
import { fitTemperature } from './metrics/temperature.ts';
import { classifyInBlocks } from './softmax-classifier.ts';
import { nearestTraining } from './unknown.ts';

/** Share of the images of trained classes that may be called unknown, where a step does not say. */
export const defaultRefusals = 0.05;
/** Logits that a temperature is fitted on: of more images, as many are taken, spread evenly. */
const fittedLogits = 4_000_000;

/** Images, and how like the nearest known image each is, by cosine. */
export interface Compared {
  readonly features: LabelledFeatures;
  readonly nearest: Float64Array;
}

/**
 * Calibrates a classifier and chooses from where on an image is called unknown. Validation images choose; test images are only
 * measured.
 *
 * @param validation images of classes that were trained on
 * @param test those that are measured, with what the classifier answers
 * @param known how many training images both were compared with
 * @param onStep may throw to stop
 * @returns null where there are no validation images
 */
export async function calibrate(
  classifier: LinearClassifier,
  {
    validation,
    test,
    refusals,
    known,
  }: {
    readonly validation: Compared;
    readonly test: Compared & { readonly predicted: Answers['predicted']; readonly before: number | null };
    readonly refusals: number;
    readonly known: KnownCounts;
  },
  onStep: (done: number, total: number) => Promise<void>,
): Promise<Calibration | null> {
  const { features } = validation;
  const fitted = await fitTemperature(logitsOf(classifier, features), onStep);
  const similarity = refusalThreshold(validation.nearest, refusals);
  const logit = refusalThreshold(highestOf(classifier, features, 1).logits, refusals);
  if (!fitted || similarity === null || logit === null) return null;
  const { confidence, logits } = highestOf(classifier, test.features, fitted.temperature);
  const bins = reliability({ predicted: test.predicted, confidence }, test.features.labels);
  return {
    images: features.count,
    ...fitted,
    expectedCalibrationError: { before: test.before, after: expectedCalibrationError(bins) },
    unknown: {
      refusals,
      similarity: { threshold: similarity, refused: refusedBy(test.nearest, similarity) },
      logit: { threshold: logit, refused: refusedBy(logits, logit) },
      known,
    },
  };
}

/**
 * Compares images with some of training.
 *
 * @param onProgress may throw to stop
 */
export async function comparedWith(
  known: LabelledFeatures,
  features: LabelledFeatures,
  onProgress: (done: number, total: number) => void,
): Promise<Compared> {
  const unit = unitRows(asEmbedding(known));
  try {
    const report = (done: number) => onProgress(done, features.count);
    return { features, nearest: (await nearestTraining(unit, asEmbedding(features), report)).scores };
  } finally {
    unit.dispose();
  }
}

/** Some rows of features with their classes. */
export function pickRows(features: LabelledFeatures, rows: Int32Array): LabelledFeatures {
  const { dimension, labels } = features;
  const { values, count } = rowsOf({ values: features.features, dimension }, rows);
  return { features: values, count, dimension, labels: rows.map((row) => labels[row] as number) };
}

/** Logits of the images, or of as many as are fitted on. */
function logitsOf(classifier: LinearClassifier, features: LabelledFeatures) {
  const classes = classifier.bias.length;
  const most = Math.max(1, Math.floor(fittedLogits / classes));
  const own = features.count <= most ? features : pickRows(features, Int32Array.from(spreadRows(features.count, most)));
  const logits = new Float32Array(own.count * classes);
  classifyInBlocks(
    classifier,
    own,
    (values, start) => logits.set(values, start * classes),
    (each) => each,
  );
  return { logits, labels: own.labels, classes };
}

/** Of each image the highest logit, and the probability of that class at a temperature. */
function highestOf(classifier: LinearClassifier, features: LabelledFeatures, temperature: number) {
  const logits = new Float64Array(features.count);
  const confidence = new Float64Array(features.count);
  classifyInBlocks(
    classifier,
    features,
    (values, start, count) => {
      for (let row = 0; row < count; row++) {
        logits[start + row] = values[2 * row] as number;
        confidence[start + row] = values[2 * row + 1] as number;
      }
    },
    (each) => tf.stack([tf.max(each, 1), tf.max(tf.softmax(tf.div(each, temperature) as Tensor2D), 1)], 1) as Tensor2D,
  );
  return { logits, confidence };
}
