import { ContrailError } from '../contracts/errors.ts';
import type { AdaptParameters } from '../contracts/kinds/adapt.ts';
import { optimizerSchema, scheduleSchema } from '../contracts/optimizer.ts';
import { epochPlans, seedPair } from '../datasets/index.ts';
import type { StoredTensor } from '../store/index.ts';
import { repeatViews } from './augmentation/view-groups.ts';
import { capture, type Step } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';
import { gradientsOf } from './gradients.ts';
import { supconLoss } from './losses/supcon.ts';
import { type Adapter, createAdapter } from './models/adapter.ts';
import { gatherRows, statelessUniform } from './ops.ts';
import { createOptimizer, type Optimizer } from './optimizers/optimizer.ts';
import { learningRate } from './optimizers/schedule.ts';
import { createVariables } from './parameters.ts';
import { readState } from './state.ts';
import { type Tensor, type Tensor1D, type Tensor2D, tf } from './tensorflow.ts';

/** The embeddings of training images, in memory. */
export interface EmbeddedImages {
  /** [count, dimension], row-major. */
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly dimension: number;
  /** How many classes the labels are of. */
  readonly classes: number;
}

export interface TrainedAdapter {
  /** The adapter's parameters. */
  readonly tensors: readonly StoredTensor[];
  /** Mean loss of the last epoch. */
  readonly loss: number;
}

/**
 * Trains an adapter by SupCon on embeddings that do not change: the positives of an image are the others of its class. With
 * dropout each has two views, its embedding without some of its values, drawn anew for each (as SimCSE does it,
 * arXiv:2104.08821, section 3). All draws follow from (seed, step).
 *
 * @param onEpoch may throw to stop
 * @throws ContrailError NonFiniteLoss; InvalidInput where sampler and batch do not go together
 */
export async function trainAdapter(
  images: EmbeddedImages,
  parameters: AdaptParameters,
  onEpoch: (epoch: number, loss: number, imagesPerSecond: number) => void,
): Promise<TrainedAdapter> {
  const { adapter: config, epochs, seed } = parameters;
  const adapter = createAdapter(images.dimension, config);
  const { learningRate: peak, weightDecay } = parameters;
  const optimizer = createOptimizer(
    optimizerSchema.parse({ name: 'adam', learningRate: peak, weightDecay }),
    adapter.parameters,
  );
  const perClass = parameters.sampler?.balanced.perClass;
  const planOf = epochPlans(images, { perClass, batch: parameters.batch, seed });
  const { size, steps } = planOf(1);
  const resident = {
    embeddings: tf.tensor2d(images.embeddings, [images.count, images.dimension]),
    labels: tf.tensor1d(images.labels, 'int32'),
  };
  const variables = createVariables([...adapter.parameters, ...optimizer.slots], seed);
  const execution = capture({ variables, resident });
  try {
    const step = execution.compile(adapterStep(adapter, optimizer, parameters, steps));
    const [rows, number] = [copiedValues('int32', size), copiedValues('int32', 1)];
    let mean = Number.NaN;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const plan = planOf(epoch);
      const begun = performance.now();
      let sum = 0;
      for (let at = 0; at < steps; at++) {
        rows.set(plan.indices(at));
        number[0] = (epoch - 1) * steps + at;
        const [losses] = step(
          { dtype: 'int32', shape: [size], values: rows },
          { dtype: 'int32', shape: [], values: number },
        );
        sum += losses?.[0] ?? Number.NaN;
        // Lets the process answer messages between steps.
        await new Promise(setImmediate);
      }
      mean = sum / steps;
      if (!Number.isFinite(mean))
        throw new ContrailError(
          'NonFiniteLoss',
          `The loss of the adapter became ${mean} in epoch ${epoch}. Lower learningRate, or raise temperature.`,
        );
      onEpoch(epoch, mean, (1000 * size * steps) / Math.max(1, performance.now() - begun));
    }
    return { tensors: readState(adapter.parameters, execution), loss: mean };
  } finally {
    execution.dispose();
  }
}

/** Inputs: int32 [batch], rows; int32 scalar, the steps before this one. Output: the loss before the update, float32 scalar. */
function adapterStep(
  adapter: Adapter,
  optimizer: Optimizer,
  { temperature, dropout, learningRate: peak, epochs, seed }: AdaptParameters,
  stepsPerEpoch: number,
): Step {
  const schedule = scheduleSchema.parse({ name: 'cosine' });
  return ([rows, step], { variables, resident }) => {
    const picked = gatherRows(resident.embeddings as Tensor, rows as Tensor1D) as Tensor2D;
    const ofImages = gatherRows(resident.labels as Tensor, rows as Tensor1D) as Tensor1D;
    const labels = repeatViews(ofImages, dropout > 0 ? 2 : 1);
    const views = dropout > 0 ? dropped(repeatViews(picked, 2), dropout, seed, step as Tensor) : picked;
    const { value, gradients } = gradientsOf(
      () => supconLoss(adapter.adapt(views, { variables }), labels, { temperature, scale: 'none' }),
      adapter.parameters,
      variables,
    );
    const rate = learningRate(schedule, peak, step as Tensor, { stepsPerEpoch, epochs });
    optimizer.apply(gradients, variables, rate, step as Tensor);
    return [value];
  };
}

/** Rows without a share of their values, each row without others. What is left is not scaled: only directions are looked at. */
function dropped(rows: Tensor2D, share: number, seed: number, step: Tensor): Tensor2D {
  const [first] = seedPair(seed, 'adapter dropout');
  const draws = statelessUniform(rows.shape, tf.stack([tf.scalar(first, 'int32'), step]) as Tensor1D);
  return tf.mul(rows, tf.cast(tf.greaterEqual(draws, share), 'float32')) as Tensor2D;
}
