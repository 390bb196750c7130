import { permutation } from '../datasets/index.ts';
import type { CompiledStep, Execution, Step } from './capture/index.ts';
import type { ImageSource } from './image-source.ts';
import type { TrainingModel } from './model.ts';
import { movingStatistics } from './models/layers.ts';
import { resizedTo } from './ops.ts';
import { type Variables, variable } from './parameters.ts';
import { gatherBatch } from './step.ts';
import { type Tensor, tf } from './tensorflow.ts';

/** Batches of training images over which the statistics are taken. */
const statisticsBatches = 100;
const statisticsBatch = 256;

/**
 * Recomputes the moving statistics of every batch normalisation that is not frozen as the mean over training batches, images
 * unaugmented, as features will see them.
 *
 * The moving averages of a short training are no use: with Keras's momentum of 0.99 they have not arrived after a few
 * hundred steps, and a network that scores 0.86 by batch statistics scores 0.26 by them.
 *
 * @returns the number of images that the statistics were taken over; 0 where there are none to take
 */
export const recomputeBatchNormStatistics = (
  model: Pick<TrainingModel, 'encoder' | 'frozen' | 'prepare' | 'image'>,
  execution: Execution,
  options: StatisticsOptions,
): Promise<number> => compileBatchNormStatistics(model, execution)(options);

export interface StatisticsOptions {
  readonly source: ImageSource;
  /** Images in the training split. */
  readonly count: number;
  readonly seed: number;
  /** May throw to stop. */
  readonly onBatch: (done: number, total: number) => void;
}

/** The same, to be done again for other weights. */
export function compileBatchNormStatistics(
  model: Pick<TrainingModel, 'encoder' | 'frozen' | 'prepare' | 'image'>,
  execution: Execution,
): (options: StatisticsOptions) => Promise<number> {
  const { encoder, frozen } = model;
  if (!encoder.parameters.some(({ name, trainable }) => !trainable && !frozen.has(name))) return async () => 0;
  const accumulate = execution.compile(statisticsStep(model));
  return (options) => takeStatistics(accumulate, options);
}

async function takeStatistics(
  accumulate: CompiledStep,
  { source, count, seed, onBatch }: StatisticsOptions,
): Promise<number> {
  const order = permutation(count, seed, 'batch-norm statistics', 0);
  const size = Math.min(statisticsBatch, count);
  const total = Math.max(1, Math.min(statisticsBatches, Math.floor(count / size)));
  const inputs = source.batches({
    size,
    from: 0,
    to: total,
    rows: (index) => order.subarray(index * size, (index + 1) * size),
  });
  try {
    for (let index = 0; index < total; index++) {
      const taken = { dtype: 'float32', shape: [], values: Float32Array.of(index + 1) } as const;
      accumulate(...(await inputs.next()), taken);
      onBatch(index + 1, total);
      // Lets the process answer messages between batches.
      await new Promise(setImmediate);
    }
  } finally {
    await inputs.close();
  }
  return total * size;
}

/** Inputs: those of the batch; float32 scalar, batches so far with this one. Output: that number again. */
function statisticsStep(model: Pick<TrainingModel, 'encoder' | 'frozen' | 'prepare' | 'image'>): Step {
  return (inputs, { variables, resident }) => {
    const {
      images,
      others: [batches],
    } = gatherBatch(inputs, resident);
    model.encoder.embed(model.prepare(resizedTo(images, model.image)), {
      variables,
      frozen: model.frozen,
      onBatchStatistics: (layer, mean, variance) => {
        const names = movingStatistics(variables, layer);
        accumulate(variables, names.mean, mean, batches as Tensor);
        accumulate(variables, names.variance, variance, batches as Tensor);
      },
    });
    return [batches as Tensor];
  };
}

/** The running mean over the batches. */
function accumulate(variables: Variables, name: string, value: Tensor, batches: Tensor): void {
  const mean = variable(variables, name);
  mean.assign(tf.add(mean, tf.div(tf.sub(value, mean), batches)));
}
