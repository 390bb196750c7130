import { permutation } from '../datasets/index.ts';
import { type Tensor2D, tf } from '../training/index.ts';
import { rowsOf } from './embedding.ts';
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

/** Rows of weights [classes, width] that Adam changes one by one; each row has counted its own steps. */
interface LazyRows {
  readonly width: number;
  readonly values: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly steps: Int32Array;
}

/**
 * Fits softmax regression by Adam from zero weights where there are many classes: each batch is compared with its own classes
 * and with some others (sampled softmax, arXiv:1412.2007), and only their weights are touched. So a step costs batch times
 * `compared`, however many classes there are, where the whole softmax costs rows times classes an epoch.
 *
 * The others are taken from a random order of all classes, anew in each epoch, one window a step, so every class is among them
 * as often. Each stands for several that are not: the logarithm of how many is added to its logit, so that the sum over classes
 * is estimated without bias. With as many compared as there are classes, it is the whole softmax.
 *
 * @param options.compared classes that are taken from the random order for each batch
 * @returns the classifier and the mean of the estimated loss over the last epoch, which is not finite where training diverged
 */
export async function fitSampledSoftmax(
  data: LabelledFeatures,
  options: FitOptions & { readonly compared: number },
): Promise<LinearClassifier & { readonly loss: number }> {
  const { classes, epochs, batch, seed, weightDecay, learningRate } = options;
  const { count, dimension } = data;
  const kernel = lazyRows(classes, dimension);
  const bias = lazyRows(classes, 1);
  const size = Math.min(batch, count);
  const steps = Math.ceil(count / size);
  let loss = Number.NaN;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = permutation(count, seed, 'probe batches', epoch);
    const classOrder = permutation(classes, seed, 'probe classes', epoch);
    loss = 0;
    for (let index = 0; index < steps; index++) {
      const done = (epoch - 1) * steps + index;
      const rate = rateAt(learningRate, done, epochs * steps);
      const rows = order.subarray(index * size, (index + 1) * size);
      const candidates = candidatesOf(data.labels, rows, classOrder, index, options.compared);
      const found = gradients(data, rows, candidates, kernel, bias);
      loss += found.loss / steps;
      adamRows(kernel, candidates.classes, found.kernel, { rate, weightDecay });
      adamRows(bias, candidates.classes, found.bias, { rate, weightDecay: 0 });
      await options.onStep?.();
    }
    await options.onEpoch(epoch);
    if (!Number.isFinite(loss)) break;
  }
  return { kernel: transposed(kernel), bias: bias.values, loss };
}

const lazyRows = (rows: number, width: number): LazyRows => ({
  width,
  values: new Float32Array(rows * width),
  m: new Float32Array(rows * width),
  v: new Float32Array(rows * width),
  steps: new Int32Array(rows),
});

/** What a batch is compared with. */
interface Candidates {
  /** The batch's own classes, then the others. */
  readonly classes: Int32Array;
  /** Added to the logits: 0 for the batch's own, for the others the logarithm of how many each stands for. */
  readonly correction: Float32Array;
  /** The place of the class of each row of the batch. */
  readonly targets: Int32Array;
}

function candidatesOf(
  labels: Int32Array,
  rows: Int32Array,
  classOrder: Int32Array,
  step: number,
  compared: number,
): Candidates {
  const places = new Map<number, number>();
  for (const row of rows) {
    const label = labels[row] as number;
    if (!places.has(label)) places.set(label, places.size);
  }
  const own = places.size;
  const window = Math.min(compared, classOrder.length);
  for (let at = 0; at < window; at++) {
    const label = classOrder[(step * window + at) % classOrder.length] as number;
    if (!places.has(label)) places.set(label, places.size);
  }
  const others = places.size - own;
  const correction = new Float32Array(places.size).fill(Math.log((classOrder.length - own) / Math.max(1, others)), own);
  return {
    classes: Int32Array.from(places.keys()),
    correction,
    targets: rows.map((row) => places.get(labels[row] as number) as number),
  };
}

/** The mean loss of a batch, and its gradient in the weights of the candidates: [candidates, width] each. */
function gradients(
  { features, dimension }: LabelledFeatures,
  rows: Int32Array,
  { classes, correction, targets }: Candidates,
  kernel: LazyRows,
  bias: LazyRows,
): { readonly loss: number; readonly kernel: Float32Array; readonly bias: Float32Array } {
  const count = rows.length;
  const taken = tf.tidy(() => {
    const x = tf.tensor2d(rowsOf({ values: features, dimension }, rows).values, [count, dimension]);
    const weights = tf.tensor2d(rowsOf({ values: kernel.values, dimension }, classes).values, [
      classes.length,
      dimension,
    ]);
    const offsets = tf.tensor1d(
      rowsOf({ values: bias.values, dimension: 1 }, classes).values.map(
        (value, at) => value + (correction[at] as number),
      ),
    );
    const hits = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), classes.length), 'float32') as Tensor2D;
    const logProbabilities = tf.logSoftmax(tf.add(tf.matMul(x, weights, false, true), offsets)) as Tensor2D;
    const error = tf.div(tf.sub(tf.exp(logProbabilities), hits), count) as Tensor2D;
    return {
      loss: tf.div(tf.neg(tf.sum(tf.mul(hits, logProbabilities))), count),
      kernel: tf.matMul(error, x, true, false),
      bias: tf.sum(error, 0),
    };
  });
  const [loss = Number.NaN] = taken.loss.dataSync<'float32'>();
  const result = { loss, kernel: taken.kernel.dataSync<'float32'>(), bias: taken.bias.dataSync<'float32'>() };
  tf.dispose([taken.loss, taken.kernel, taken.bias]);
  return result;
}

/** A step of Adam (arXiv:1412.6980) for some rows; the moments of the others rest, and so does their weight decay. */
function adamRows(
  { width, values, m, v, steps }: LazyRows,
  rows: Int32Array,
  gradient: Float32Array,
  { rate, weightDecay }: { readonly rate: number; readonly weightDecay: number },
): void {
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place] as number;
    const step = (steps[row] as number) + 1;
    steps[row] = step;
    const corrected = correctedRate(rate, step);
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const slope = (gradient[place * width + column] as number) + weightDecay * (values[at] as number);
      const mean = (m[at] as number) + (1 - beta1) * (slope - (m[at] as number));
      const square = (v[at] as number) + (1 - beta2) * (slope * slope - (v[at] as number));
      m[at] = mean;
      v[at] = square;
      values[at] = (values[at] as number) - (corrected * mean) / (Math.sqrt(square) + epsilon);
    }
  }
}

/** [rows, width] as [width, rows]. */
function transposed({ width, values, steps: { length: rows } }: LazyRows): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++) turned[column * rows + row] = values[row * width + column] as number;
  return turned;
}
