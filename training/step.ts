import type { TrainingConfig } from '../contracts/training.ts';
import { drawsOfGroup, repeatViews, type ViewGroup, viewsOf } from './augmentation/view-groups.ts';
import type { Step, StepState } from './capture/index.ts';
import { dropPath } from './drop-path.ts';
import { gradientsOf } from './gradients.ts';
import type { TrainingModel } from './model.ts';
import { type Pass as LayerPass, movingStatistics } from './models/layers.ts';
import type { Labels } from './objectives/objective.ts';
import { gatherRows, imagesOfBytes } from './ops.ts';
import { clipByNorm } from './optimizers/clip.ts';
import { learningRate } from './optimizers/schedule.ts';
import { type Variables, variable } from './parameters.ts';
import type { ResidentImages } from './resident-images.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.ts';

/** Share of the old value that a moving statistic of batch normalisation keeps at each step, as in Keras. */
const movingMomentum = 0.99;

/**
 * A training step: gathers the batch, makes the views of each image, runs them through the network in one forward pass for
 * each of their sizes, and updates every variable. Everything random in it follows from the seed and the step number.
 *
 * Inputs: those of the batch (see `gatherBatch`); int32 scalar, the steps of the whole training before this one.
 * Output: the loss before the update, float32 scalar; in float16 also an `UpdateOutcome`, float32 scalar.
 */
export function trainingStep(model: TrainingModel, config: TrainingConfig, stepsPerEpoch: number): Step {
  const { objective } = model;
  return (inputs, { variables, resident }) => {
    const {
      images,
      labels: ofImages,
      others: [step],
    } = gatherBatch(inputs, resident);
    const drawing = { seed: config.seed, batch: images.shape[0], step: step as Tensor };
    const views = model.viewGroups.map((group) => ({
      images: viewsOf(images, group, drawsOfGroup(group, drawing)),
      ...dropPathOf(config, group, drawing),
    }));
    const labels = repeatViews(ofImages, objective.views);
    const { value, outputs, gradients, statistics } = forwardAndBackward(model, variables, views, (rowsOut) =>
      objective.loss(rowsOut, labels, variables),
    );
    const outcome = update(model, config, stepsPerEpoch, variables, step as Tensor, {
      gradients,
      statistics,
      afterwards: () => afterStep(model, outputs, labels, variables),
    });
    tf.dispose([outputs, statistics]);
    return [value, ...outcome];
  };
}

/** What is kept of a step besides the weights. @param labels of each row of `outputs` */
export function afterStep(
  { objective, neighbours }: Pick<TrainingModel, 'objective' | 'neighbours'>,
  outputs: Tensor2D,
  labels: Labels,
  variables: Variables,
): void {
  objective.afterStep(outputs, labels, variables);
  neighbours?.add(variables, outputs, labels as Tensor1D);
}

/** Views of one size that go through the network together. */
export interface Views extends Pick<LayerPass, 'dropBranch'> {
  /** float32 [views * n, height, width, channels], view-major */
  readonly images: Tensor4D;
}

/** What drops residual branches in a pass of views, where the config asks for it. @param places int32 [n]: which rows of the batch's views pass */
export function dropPathOf(
  { dropPath: rate }: TrainingConfig,
  { purpose, views }: ViewGroup,
  { seed, batch, step }: { readonly seed: number; readonly batch: number; readonly step: Tensor },
  places?: Tensor1D,
): Pick<Views, 'dropBranch'> {
  if (!rate) return {};
  return { dropBranch: dropPath(rate, { seed, purpose, rows: views * batch, step, ...(places ? { places } : {}) }) };
}

/**
 * The outputs of all views: each size goes through the encoder by itself, all together through the head.
 *
 * @param views of each of the model's groups
 * @param pass gets the batch statistics of the views of full size alone: the encoder embeds images of that size later
 * @returns float32 [rows, width], view-major
 */
export function outputsOf(
  { encoder, objective, prepare }: Pick<TrainingModel, 'encoder' | 'objective' | 'prepare'>,
  views: readonly Views[],
  pass: LayerPass,
): Tensor2D {
  const embeddings = views.map(({ images, ...dropping }, group) =>
    encoder.embed(prepare(images), { ...pass, ...dropping, ...(group === 0 ? {} : { onBatchStatistics: () => {} }) }),
  );
  const [first] = embeddings;
  return objective.head(first && embeddings.length === 1 ? first : (tf.concat(embeddings) as Tensor2D), pass);
}

/** What a pass forward and back gave. The caller disposes of `outputs` and `statistics`. */
export interface Pass {
  readonly value: Scalar;
  /** float32 [rows, width] */
  readonly outputs: Tensor2D;
  /** By parameter name; in float16 still scaled. */
  readonly gradients: Readonly<Record<string, Tensor>>;
  /** Of batch normalisation, by the name of the variable that moves towards them. */
  readonly statistics: Readonly<Record<string, Tensor>>;
}

/** Runs views through the network and back: the loss of the outputs, and its gradient for each trainable parameter. */
export function forwardAndBackward(
  model: TrainingModel,
  variables: Variables,
  views: readonly Views[],
  loss: (outputs: Tensor2D) => Scalar,
  { gatherParts }: Pick<LayerPass, 'gatherParts'> = {},
): Pass {
  const { lossScale, trainable, frozen } = model;
  const statistics: Record<string, Tensor> = {};
  const pass = {
    variables,
    frozen,
    ...(gatherParts ? { gatherParts } : {}),
    onBatchStatistics: (layer: string, mean: Tensor1D, variance: Tensor1D) => {
      const names = movingStatistics(variables, layer);
      if (frozen.has(names.mean)) throw new Error(`${layer} is frozen, and normalised by its batch`);
      statistics[names.mean] = tf.keep(mean);
      statistics[names.variance] = tf.keep(variance);
    },
  };
  let outputs: Tensor2D | undefined;
  const { value, gradients } = gradientsOf(
    () => {
      outputs = tf.keep(outputsOf(model, views, pass));
      const unscaled = loss(outputs);
      return lossScale?.scaled(unscaled, variables) ?? unscaled;
    },
    trainable,
    variables,
  );
  if (!outputs) throw new Error('a pass has outputs');
  return { value, outputs, gradients, statistics };
}

/**
 * Changes the variables at the end of a step: the parameters and their averages, then the moving statistics of batch
 * normalisation, then what the objective keeps. In float16 all of that, or nothing but the loss scale.
 *
 * @param step int32 scalar
 * @returns in float16 an `UpdateOutcome`, float32 scalar
 */
export function update(
  { optimizer, lossScale, averages }: Pick<TrainingModel, 'optimizer' | 'lossScale' | 'averages'>,
  config: TrainingConfig,
  stepsPerEpoch: number,
  variables: Variables,
  step: Tensor,
  {
    gradients,
    statistics,
    afterwards,
  }: Pick<Pass, 'gradients' | 'statistics'> & {
    readonly afterwards: () => void;
  },
): Scalar[] {
  const length = { stepsPerEpoch, epochs: config.epochs };
  const rate = learningRate(config.schedule, config.optimizer.learningRate, step, length);
  const change = (unscaled: Pass['gradients'], updates: Tensor) => {
    optimizer.apply(config.clip ? clipByNorm(unscaled, config.clip.norm) : unscaled, variables, rate, updates);
    averages?.update(variables, updates);
    for (const [name, value] of Object.entries(statistics)) moveTowards(variables, name, value);
    afterwards();
  };
  if (lossScale) return [lossScale.update(gradients, variables, step, change)];
  change(gradients, step);
  return [];
}

/** The data set in TensorFlow's memory, where it is there. */
const residentOf = ({ images, labels }: StepState['resident']): ResidentImages | null =>
  images && labels ? { images, labels: labels as Labels } : null;

/**
 * The images of a batch, 0 to 1, and their labels: picked out of the data set in TensorFlow's memory, or as they come.
 *
 * @param inputs of a step. With resident images the first is int32 [batch], rows; without, the first two are uint8
 * [batch, height, width, channels], images, and int32 [batch] or [batch, L], labels.
 * @returns also the inputs after those of the batch
 */
export function gatherBatch(inputs: readonly Tensor[], resident: StepState['resident']) {
  const { bytes, ...rest } = gatherBytes(inputs, resident);
  return { images: imagesOfBytes(bytes), ...rest };
}

/** The same, with the images as they are stored: uint8 [batch, height, width, channels]. */
export function gatherBytes(inputs: readonly Tensor[], resident: StepState['resident']) {
  const data = residentOf(resident);
  const [first, second, ...rest] = inputs as [Tensor, Tensor, ...Tensor[]];
  const bytes = data ? gatherRows(data.images, first as Tensor1D) : first;
  return {
    bytes,
    labels: (data ? gatherRows(data.labels, first as Tensor1D) : second) as Labels,
    others: data ? [second, ...rest] : rest,
  };
}

/** The labels of a batch by its rows; what comes without resident images are the labels themselves. */
export function gatherLabels(rowsOrLabels: Tensor, resident: StepState['resident']): Labels {
  const data = residentOf(resident);
  return (data ? gatherRows(data.labels, rowsOrLabels as Tensor1D) : rowsOrLabels) as Labels;
}

function moveTowards(variables: Variables, name: string, value: Tensor): void {
  const moving = variable(variables, name);
  moving.assign(tf.add(moving, tf.mul(tf.sub(value, moving), 1 - movingMomentum)));
}
