import type { TrainingConfig } from '../contracts/training.ts';
import { seedPair } from '../datasets/index.ts';
import { twoViews } from './augmentation/views.ts';
import { supconLoss } from './losses/supcon.ts';
import type { TrainingModel } from './model.ts';
import { gatherBytes, scalarValue } from './ops.ts';
import { type Variables, variable } from './parameters.ts';
import type { ResidentImages } from './resident-images.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor4D, tf } from './tensorflow.ts';

/** Share of the old value that a moving statistic of batch normalisation keeps at each step, as in Keras. */
const movingMomentum = 0.99;

/** Which step this is: everything random in it follows from these. */
export interface StepPosition {
  /** From 1. */
  readonly epoch: number;
  /** Steps of this epoch before this one. */
  readonly step: number;
  /** Steps of the whole training before this one. */
  readonly globalStep: number;
  readonly learningRate: number;
}

/**
 * One training step, op by op: gathers the batch, makes two views of each image, runs both through the network in one
 * forward pass, and updates every variable in place.
 *
 * @param rows int32 [batch]: the images of the batch
 * @returns the SupCon loss before the update
 */
export function trainStep(
  model: TrainingModel,
  variables: Variables,
  data: ResidentImages,
  rows: Int32Array,
  config: TrainingConfig,
  position: StepPosition,
): number {
  return tf.tidy(() => {
    const indices = tf.tensor1d(rows, 'int32');
    const images = tf.div(gatherBytes(data.images, indices), 255) as Tensor4D;
    const labels = tf.gather(data.labels, indices);
    const seed = tf.tensor1d(seedPair(config.seed, 'views', position.epoch, position.step), 'int32');
    const views = model.prepare(twoViews(images, seed, config.augmentation));
    const statistics: { layer: string; mean: Tensor1D; variance: Tensor1D }[] = [];
    const pass = {
      variables,
      onBatchStatistics: (layer: string, mean: Tensor1D, variance: Tensor1D) => {
        statistics.push({ layer, mean: tf.keep(mean), variance: tf.keep(variance) });
      },
    };
    const { value, grads } = tf.variableGrads(
      () =>
        supconLoss(
          model.project(model.embed(views, pass), pass),
          tf.concat([labels, labels]) as Tensor1D,
          config.loss.supcon,
        ) as Scalar,
      model.trainable.map((name) => variable(variables, name)),
    );
    model.optimizer.apply(
      gradientsByName(model, variables, grads),
      variables,
      position.learningRate,
      position.globalStep,
    );
    for (const { layer, mean, variance } of statistics) {
      moveTowards(variables, `${layer}/moving_mean`, mean);
      moveTowards(variables, `${layer}/moving_variance`, variance);
      mean.dispose();
      variance.dispose();
    }
    return scalarValue(value);
  });
}

/** tfjs keys gradients by the variable's own generated name. */
function gradientsByName(
  model: TrainingModel,
  variables: Variables,
  grads: Record<string, Tensor>,
): Record<string, Tensor> {
  return Object.fromEntries(model.trainable.map((name) => [name, grads[variable(variables, name).name] as Tensor]));
}

function moveTowards(variables: Variables, name: string, value: Tensor): void {
  const moving = variable(variables, name);
  moving.assign(tf.add(moving, tf.mul(tf.sub(value, moving), 1 - movingMomentum)));
}
