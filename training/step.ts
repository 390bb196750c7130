import type { TrainingConfig } from '../contracts/training.ts';
import { seedPair } from '../datasets/index.ts';
import { augment, viewDraws } from './augmentation/views.ts';
import type { Step } from './capture/index.ts';
import type { TrainingModel } from './model.ts';
import { floatOfBytes, gatherRows } from './ops.ts';
import { learningRate } from './optimizers/schedule.ts';
import { type Variables, variable } from './parameters.ts';
import type { ResidentImages } from './resident-images.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.ts';

/** Share of the old value that a moving statistic of batch normalisation keeps at each step, as in Keras. */
const movingMomentum = 0.99;

/**
 * A training step: gathers the batch, makes the views of each image, runs them through the network in one forward pass,
 * and updates every variable. Everything random in it follows from the seed and the step number.
 *
 * Inputs: int32 [batch], the rows of the batch; int32 scalar, the steps of the whole training before this one.
 * Output: the loss before the update, float32 scalar.
 */
export function trainingStep(model: TrainingModel, config: TrainingConfig, stepsPerEpoch: number): Step {
  const { objective } = model;
  return ([rows, step], { variables, resident }) => {
    const { images, labels } = gatherBatch(resident as unknown as ResidentImages, rows as Tensor1D);
    const draws = viewDraws(objective.views * images.shape[0], viewSeed(config, step as Tensor));
    const views = augment(repeatViews(images, objective.views), draws, config.augmentation);
    const classes = repeatViews(labels, objective.views);
    const { value, gradients, outputs, moveStatistics } = forwardAndBackward(model, variables, views, (rowsOut) =>
      objective.loss(rowsOut, classes, variables),
    );
    applyGradients(model, config, stepsPerEpoch, { gradients, variables, step: step as Tensor });
    moveStatistics();
    objective.afterStep(outputs, classes, variables);
    outputs.dispose();
    return [value];
  };
}

/** The seed pair of a step's views. */
export const viewSeed = ({ seed }: TrainingConfig, step: Tensor): Tensor1D =>
  tf.stack([tf.scalar(seedPair(seed, 'views')[0], 'int32'), step]) as Tensor1D;

/** Rows once for each view, view-major: [n, ...] to [views * n, ...]. */
export const repeatViews = <T extends Tensor>(rows: T, views: 1 | 2): T =>
  views === 1 ? rows : (tf.concat([rows, rows]) as T);

export interface Pass {
  readonly value: Scalar;
  /** By parameter name. */
  readonly gradients: Readonly<Record<string, Tensor>>;
  /** float32 [rows, width]; the caller disposes of them */
  readonly outputs: Tensor2D;
  /** Moves the statistics of batch normalisation towards those of this pass; once, after the update. */
  readonly moveStatistics: () => void;
}

/** Runs views through the network and back: the loss of the outputs, and its gradient for each trainable parameter. */
export function forwardAndBackward(
  model: TrainingModel,
  variables: Variables,
  views: Tensor4D,
  loss: (outputs: Tensor2D) => Scalar,
): Pass {
  const statistics: { layer: string; mean: Tensor1D; variance: Tensor1D }[] = [];
  const pass = {
    variables,
    onBatchStatistics: (layer: string, mean: Tensor1D, variance: Tensor1D) => {
      statistics.push({ layer, mean: tf.keep(mean), variance: tf.keep(variance) });
    },
  };
  let outputs: Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(
    () => {
      outputs = tf.keep(model.objective.head(model.encoder.embed(model.prepare(views), pass), pass));
      return loss(outputs);
    },
    model.trainable.map(({ name }) => variable(variables, name)),
  );
  if (!outputs) throw new Error('a pass has outputs');
  return {
    value,
    // tfjs keys gradients by the variable's own generated name.
    gradients: Object.fromEntries(
      model.trainable.map(({ name }) => [name, grads[variable(variables, name).name] as Tensor]),
    ),
    outputs,
    moveStatistics: () => {
      for (const { layer, mean, variance } of statistics) {
        moveTowards(variables, `${layer}/moving_mean`, mean);
        moveTowards(variables, `${layer}/moving_variance`, variance);
        mean.dispose();
        variance.dispose();
      }
    },
  };
}

/** Lets the optimizer update every trainable variable, at the learning rate of the step. */
export function applyGradients(
  { optimizer }: TrainingModel,
  config: TrainingConfig,
  stepsPerEpoch: number,
  {
    gradients,
    variables,
    step,
  }: { readonly gradients: Readonly<Record<string, Tensor>>; readonly variables: Variables; readonly step: Tensor },
): void {
  const length = { stepsPerEpoch, epochs: config.epochs };
  const rate = learningRate(config.schedule, config.optimizer.learningRate, step, length);
  optimizer.apply(gradients, variables, rate, step);
}

/** The images of a batch, 0 to 1, and their labels. */
export function gatherBatch(data: Pick<ResidentImages, 'images' | 'labels'>, rows: Tensor1D) {
  return {
    images: tf.div(floatOfBytes(gatherRows(data.images, rows)), 255) as Tensor4D,
    labels: gatherRows(data.labels, rows) as Tensor1D,
  };
}

function moveTowards(variables: Variables, name: string, value: Tensor): void {
  const moving = variable(variables, name);
  moving.assign(tf.add(moving, tf.mul(tf.sub(value, moving), 1 - movingMomentum)));
}
