import type { TrainingConfig } from '../contracts/training.ts';
import { seedPair } from '../datasets/index.ts';
import { twoViews } from './augmentation/views.ts';
import type { Step } from './capture/index.ts';
import { normalised, supconLoss } from './losses/supcon.ts';
import type { TrainingModel } from './model.ts';
import { floatOfBytes, gatherRows } from './ops.ts';
import { learningRate } from './optimizers/schedule.ts';
import { type Variables, variable } from './parameters.ts';
import type { ResidentImages } from './resident-images.ts';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.ts';

/** Share of the old value that a moving statistic of batch normalisation keeps at each step, as in Keras. */
const movingMomentum = 0.99;

/**
 * A training step: gathers the batch, makes two views of each image, runs both through the network in one forward pass,
 * and updates every variable. Everything random in it follows from the seed and the step number.
 *
 * Inputs: int32 [batch], the rows of the batch; int32 scalar, the steps of the whole training before this one.
 * Output: the SupCon loss before the update, float32 scalar; in float16 also an `UpdateOutcome`, float32 scalar.
 */
export function trainingStep(model: TrainingModel, config: TrainingConfig, stepsPerEpoch: number): Step {
  const [viewsKey] = seedPair(config.seed, 'views');
  return ([rows, step], { variables, resident }) => {
    const { images, labels } = gatherBatch(resident as unknown as ResidentImages, rows as Tensor1D);
    const seed = tf.stack([tf.scalar(viewsKey, 'int32'), step as Tensor]) as Tensor1D;
    const views = model.prepare(twoViews(images, seed, config.augmentation));
    const statistics: { layer: string; mean: Tensor1D; variance: Tensor1D }[] = [];
    const pass = {
      variables,
      onBatchStatistics: (layer: string, mean: Tensor1D, variance: Tensor1D) => {
        statistics.push({ layer, mean: tf.keep(mean), variance: tf.keep(variance) });
      },
    };
    const classes = tf.concat([labels, labels]) as Tensor1D;
    const queue = model.queue?.contents(variables);
    let unit: Tensor2D | undefined;
    const { value, grads } = tf.variableGrads(
      () => {
        const projections = model.project(model.embed(views, pass), pass);
        if (queue) unit = tf.keep(normalised(projections));
        const loss = supconLoss(projections, classes, config.loss.supcon, queue);
        return model.lossScale?.scaled(loss, variables) ?? loss;
      },
      model.trainable.map((name) => variable(variables, name)),
    );
    const rate = learningRate(config.schedule, config.optimizer.learningRate, step as Tensor, {
      stepsPerEpoch,
      epochs: config.epochs,
    });
    const update = (gradients: Readonly<Record<string, Tensor>>, updates: Tensor) => {
      model.optimizer.apply(gradients, variables, rate, updates);
      for (const { layer, mean, variance } of statistics) {
        moveTowards(variables, `${layer}/moving_mean`, mean);
        moveTowards(variables, `${layer}/moving_variance`, variance);
        mean.dispose();
        variance.dispose();
      }
      if (unit) {
        model.queue?.push(variables, unit, classes);
        unit.dispose();
      }
    };
    const gradients = gradientsByName(model, variables, grads);
    if (model.lossScale) return [value, model.lossScale.update(gradients, variables, step as Tensor, update)];
    update(gradients, step as Tensor);
    return [value];
  };
}

/** The images of a batch, 0 to 1, and their labels. */
export function gatherBatch(data: Pick<ResidentImages, 'images' | 'labels'>, rows: Tensor1D) {
  return {
    images: tf.div(floatOfBytes(gatherRows(data.images, rows)), 255) as Tensor4D,
    labels: gatherRows(data.labels, rows) as Tensor1D,
  };
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
