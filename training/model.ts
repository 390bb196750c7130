import type { TrainingConfig } from '../contracts/training.ts';
import { type ViewGroup, viewGroups } from './augmentation/view-groups.ts';
import { createEncoder } from './models/create-encoder.ts';
import type { EncoderModel } from './models/encoder.ts';
import { createObjective } from './objectives/create-objective.ts';
import type { Objective } from './objectives/objective.ts';
import { createLossScale, type LossScale } from './optimizers/loss-scale.ts';
import { createOptimizer, type Optimizer } from './optimizers/optimizer.ts';
import type { ParameterSpec } from './parameters.ts';
import { type Tensor4D, tf } from './tensorflow.ts';

/** What images look like to the network. Those of a step may be larger: its views have this size. */
export interface ImageFormat {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Per channel, of pixels divided by 255. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Encoder, objective and optimizer of a training run. */
export interface TrainingModel {
  /** All state by name: parameters of encoder and head, then the optimizer's slots, what the objective keeps, and the loss scale. */
  readonly state: readonly ParameterSpec[];
  readonly encoder: EncoderModel;
  readonly objective: Objective;
  /** The views of each image in a step. */
  readonly viewGroups: readonly ViewGroup[];
  readonly trainable: readonly ParameterSpec[];
  readonly optimizer: Optimizer;
  /** Of a training in float16. */
  readonly lossScale: LossScale | null;
  /** The size of the images that the network is trained for. */
  readonly image: Pick<ImageFormat, 'height' | 'width'>;
  /** Normalises images and gives them the channels that the encoder wants. */
  readonly prepare: (images: Tensor4D) => Tensor4D;
}

/**
 * @param classes of the data set; only a classifier looks at it
 * @param labelColumns of further labels in the data set; only a contrastive loss that goes by them looks at it
 */
export function createTrainingModel(
  config: TrainingConfig,
  format: ImageFormat,
  classes = 0,
  labelColumns = 0,
): TrainingModel {
  const encoder = createEncoder(config.encoder, format);
  const objective = createObjective(config, encoder.dimension, { classes, labelColumns });
  const parameters = [...encoder.parameters, ...objective.parameters];
  const optimizer = createOptimizer(config.optimizer, parameters);
  const lossScale = config.precision === 'float16' ? createLossScale() : null;
  return {
    state: [...parameters, ...optimizer.slots, ...objective.state, ...(lossScale?.variables ?? [])],
    encoder,
    objective,
    viewGroups: viewGroups(config, format),
    trainable: parameters.filter(({ trainable }) => trainable),
    optimizer,
    lossScale,
    image: { height: format.height, width: format.width },
    prepare: (images) => prepareImages(images, format, encoder.channels),
  };
}

/**
 * Subtracts the mean and divides by the deviation of the training images; repeats grey where colour is wanted.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 */
export function prepareImages(images: Tensor4D, format: ImageFormat, channels: number): Tensor4D {
  return tf.tidy(() => {
    const normalised = tf.div(tf.sub(images, tf.tensor1d([...format.mean])), tf.tensor1d([...format.deviation]));
    const repeat = channels / format.channels;
    return (repeat === 1 ? normalised : tf.tile(normalised, [1, 1, 1, repeat])) as Tensor4D;
  });
}
