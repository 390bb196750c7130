import { permutation } from '../datasets/index.ts';
import { type Tensor, type Tensor2D, tf } from '../training/index.ts';
import {
  beta1,
  beta2,
  correctedRate,
  epsilon,
  type FitOptions,
  type LabelledFeatures,
  type LinearClassifier,
  rateAt,
} from './linear-classifier.ts';
import { type Answers, accuracyOf, answersOf } from './metrics/classification.ts';
import { fitSampledSoftmax } from './sampled-softmax.ts';
import { valuesOf } from './values.ts';

/** With more classes, a batch is compared with its own and so many others. */
const mostCompared = 4096;

/**
 * Fits softmax regression by Adam from zero weights; of more than 4,096 classes by sampled softmax. The gradient is written out,
 * X^T (softmax - one-hot) / n, so a step is a handful of operations.
 *
 * @returns the classifier and its mean loss over the last epoch, which is not finite where training diverged
 */
export async function fitSoftmaxClassifier(
  data: LabelledFeatures,
  options: FitOptions,
): Promise<LinearClassifier & { readonly loss: number }> {
  const { classes, epochs, batch, weightDecay, seed } = options;
  if (classes > mostCompared) return fitSampledSoftmax(data, { ...options, compared: mostCompared });
  const x = tf.tensor2d(data.features, [data.count, data.dimension]);
  const y = tf.tensor1d(data.labels, 'int32');
  const parameters = [tf.zeros([data.dimension, classes]), tf.zeros([classes])].map((initial) => ({
    value: tf.variable(initial),
    m: tf.variable(tf.zerosLike(initial)),
    v: tf.variable(tf.zerosLike(initial)),
  }));
  const [kernel, bias] = parameters;
  if (!kernel || !bias) throw new Error('a linear classifier has a kernel and a bias');
  let [step, loss] = [0, Number.NaN];
  const size = Math.min(batch, data.count);
  const steps = Math.ceil(data.count / size);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = permutation(data.count, seed, 'probe batches', epoch);
    const total = tf.variable(tf.scalar(0));
    for (let index = 0; index < steps; index++) {
      step++;
      const corrected = correctedRate(rateAt(options.learningRate, step - 1, epochs * steps), step);
      tf.tidy(() => {
        const rows = tf.tensor1d(order.subarray(index * size, (index + 1) * size), 'int32');
        // Of the batch alone: of all rows it would take rows times classes of memory.
        const targets = tf.cast(tf.oneHot(tf.gather(y, rows), classes), 'float32') as Tensor2D;
        const features = tf.gather(x, rows);
        const logits = tf.add(tf.matMul(features, kernel.value as unknown as Tensor2D), bias.value);
        const logProbabilities = tf.logSoftmax(logits);
        const count = rows.size;
        total.assign(tf.add(total, tf.div(tf.neg(tf.sum(tf.mul(targets, logProbabilities))), count * steps)));
        const error = tf.div(tf.sub(tf.exp(logProbabilities), targets), count) as Tensor2D;
        const decayed = tf.add(tf.matMul(features, error, true, false), tf.mul(kernel.value, weightDecay));
        adamStep(kernel, decayed, corrected);
        adamStep(bias, tf.sum(error, 0), corrected);
      });
      await options.onStep?.();
    }
    loss = total.dataSync()[0] ?? Number.NaN;
    total.dispose();
    await options.onEpoch(epoch);
    if (!Number.isFinite(loss)) break;
  }
  const result = {
    kernel: kernel.value.dataSync<'float32'>().slice(),
    bias: bias.value.dataSync<'float32'>().slice(),
    loss,
  };
  for (const { value, m, v } of parameters) tf.dispose([value, m, v]);
  tf.dispose([x, y]);
  return result;
}

function adamStep(
  { value, m, v }: Record<'value' | 'm' | 'v', ReturnType<typeof tf.variable>>,
  gradient: Tensor,
  rate: number,
): void {
  m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
  v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
  value.assign(tf.sub(value, tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon))));
}

/** Probabilities that are in memory at a time, for however many classes. */
const blockValues = 4_000_000;

/**
 * Classifies rows, some at a time, so that memory does not grow with rows times classes.
 *
 * @param use is given the probabilities [count, classes] of the rows from `start`, or what is wanted of them
 * @param wanted of logits [count, classes]
 */
export function classifyInBlocks(
  { kernel, bias }: LinearClassifier,
  { features, count, dimension }: Omit<LabelledFeatures, 'labels'>,
  use: (values: Float32Array, start: number, count: number) => void,
  wanted: (logits: Tensor2D) => Tensor = (logits) => tf.softmax(logits),
): void {
  const block = Math.max(1, Math.floor(blockValues / bias.length));
  // Once for all blocks, which are the smaller the more classes there are.
  const [weights, offsets] = [tf.tensor2d(kernel, [dimension, bias.length]), tf.tensor1d(bias)];
  try {
    for (let start = 0; start < count; start += block) {
      const size = Math.min(block, count - start);
      const rows = features.subarray(start * dimension, (start + size) * dimension);
      const values = valuesOf(() =>
        wanted(tf.add(tf.matMul(tf.tensor2d(rows, [size, dimension]), weights), offsets) as Tensor2D),
      );
      use(values, start, size);
    }
  } finally {
    tf.dispose([weights, offsets]);
  }
}

/** What the classifier says of every row. */
export function classifierAnswers(classifier: LinearClassifier, data: LabelledFeatures): Answers {
  const predicted = new Int32Array(data.count);
  const confidence = new Float64Array(data.count);
  const rank = new Int32Array(data.count);
  classifyInBlocks(classifier, data, (values, start, count) => {
    const scores = { values, count, classes: classifier.bias.length };
    const part = answersOf(scores, data.labels.subarray(start, start + count));
    predicted.set(part.predicted, start);
    confidence.set(part.confidence, start);
    rank.set(part.rank, start);
  });
  return { predicted, confidence, rank };
}

/** Probabilities [count, classes]. */
export function classify(classifier: LinearClassifier, data: Omit<LabelledFeatures, 'labels'>): Float32Array {
  const classes = classifier.bias.length;
  const probabilities = new Float32Array(data.count * classes);
  classifyInBlocks(classifier, data, (values, start) => probabilities.set(values, start * classes));
  return probabilities;
}

/** Share of the rows whose class the classifier finds; null for no rows. */
export const classifierAccuracy = (classifier: LinearClassifier, data: LabelledFeatures): number | null =>
  accuracyOf(classifierAnswers(classifier, data).predicted, data.labels);
