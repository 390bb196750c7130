import { type TrainingConfig, viewCounts } from '../contracts/training.ts';
import { type ViewGroup, viewGroups } from './augmentation/view-groups.ts';
import { type Averages, createAverages } from './averages.ts';
import { type ClassNeighbours, createClassNeighbours } from './class-neighbours.ts';
import { frozenParameters, rateShares } from './fine-tuned-stages.ts';
import { type ImageFormat, requireChannels } from './image-format.ts';
import { createEncoder } from './models/create-encoder.ts';
import type { EncoderModel } from './models/encoder.ts';
import { createObjective } from './objectives/create-objective.ts';
import type { Objective } from './objectives/objective.ts';
import { createLossScale, type LossScale } from './optimizers/loss-scale.ts';
import { createOptimizer, type Optimizer } from './optimizers/optimizer.ts';
import type { ParameterSpec } from './parameters.ts';
import { type Tensor4D, tf } from './tensorflow.ts';

/** Encoder, objective and optimizer of a training run. */
export interface TrainingModel {
  /** All state by name: parameters of encoder, head and loss, then the optimizer's slots, what the objective keeps, the loss scale, averages, and neighbours. */
  readonly state: readonly ParameterSpec[];
  readonly encoder: EncoderModel;
  readonly objective: Objective;
  /** The views of each image in a step. */
  readonly viewGroups: readonly ViewGroup[];
  readonly trainable: readonly ParameterSpec[];
  /** Names of the encoder's parameters that stay as they are. */
  readonly frozen: ReadonlySet<string>;
  /** Moving statistics of batch normalisation, but for those that are frozen. */
  readonly statistics: readonly ParameterSpec[];
  readonly optimizer: Optimizer;
  /** Of a training in float16. */
  readonly lossScale: LossScale | null;
  /** Of a training whose config has `ema`. */
  readonly averages: Averages | null;
  /** Of a training whose batches are of classes that it confused. */
  readonly neighbours: ClassNeighbours | null;
  /** The size of the images that the network is trained for. */
  readonly image: Pick<ImageFormat, 'height' | 'width'>;
  /** Normalises images and gives them the channels that the encoder wants. */
  readonly prepare: (images: Tensor4D) => Tensor4D;
}

/**
 * @param classes of the data set; a classifier looks at it, a loss that learns a vector for each, and a sampler of confused classes
 * @param labelColumns of further labels in the data set; only a contrastive loss that goes by them looks at it
 */
export function createTrainingModel(
  config: TrainingConfig,
  format: ImageFormat,
  classes = 0,
  labelColumns = 0,
): TrainingModel {
  const encoder = createEncoder(config.encoder, format);
  requireChannels(format, encoder.channels);
  const objective = createObjective(config, encoder.dimension, { classes, labelColumns });
  const parameters = [...encoder.parameters, ...objective.parameters, ...objective.lossParameters];
  const frozen = frozenParameters(config.encoder.name, encoder.stages, config.freeze);
  const trainable = parameters.filter((parameter) => parameter.trainable && !frozen.has(parameter.name));
  const optimizer = createOptimizer(config.optimizer, trainable, rateShares(encoder.stages, config.layerDecay));
  const lossScale = config.precision === 'float16' ? createLossScale() : null;
  const averages = config.ema ? createAverages(config.ema, trainable) : null;
  const neighbours = neighboursOf(config, objective, classes);
  return {
    state: [
      ...parameters,
      ...optimizer.slots,
      ...objective.state,
      ...(lossScale?.variables ?? []),
      ...(averages?.variables ?? []),
      ...(neighbours?.variables ?? []),
    ],
    encoder,
    objective,
    viewGroups: viewGroups(config, format),
    trainable,
    frozen,
    statistics: encoder.parameters.filter((parameter) => !parameter.trainable && !frozen.has(parameter.name)),
    optimizer,
    lossScale,
    averages,
    neighbours,
    image: { height: format.height, width: format.width },
    prepare: (images) => prepareImages(images, format, encoder.channels),
  };
}

function neighboursOf(config: TrainingConfig, objective: Objective, classes: number): ClassNeighbours | null {
  const balanced = config.sampler?.balanced;
  if (balanced?.within !== 'confused') return null;
  const { full } = viewCounts(config);
  const { views: allViews, width } = objective;
  return createClassNeighbours({ classes, width, perClass: balanced.perClass, views: full, allViews });
}

/**
 * Subtracts the mean and divides by the deviation; repeats grey where colour is wanted, first where each channel has
 * numbers of its own.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 */
export function prepareImages(images: Tensor4D, format: ImageFormat, channels: number): Tensor4D {
  return tf.tidy(() => {
    const mean = tf.tensor1d([...format.mean]);
    const deviation = tf.tensor1d([...format.deviation]);
    const repeat = channels / format.channels;
    const repeated = (x: Tensor4D) => (repeat === 1 ? x : tf.tile(x, [1, 1, 1, repeat]));
    const normalised = (x: Tensor4D): Tensor4D => tf.div(tf.sub(x, mean), deviation);
    return format.mean.length > format.channels ? normalised(repeated(images)) : repeated(normalised(images));
  });
}
