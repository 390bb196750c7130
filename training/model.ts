import type { TrainingConfig } from '../contracts/training.ts';
import { createProjectionQueue, type ProjectionQueue } from './losses/projection-queue.ts';
import { createEncoder, type EncoderModel } from './models/encoder.ts';
import { createProjectionHead, type ProjectionHead } from './models/projection-head.ts';
import { createLossScale, type LossScale } from './optimizers/loss-scale.ts';
import { createOptimizer, type Optimizer } from './optimizers/optimizer.ts';
import type { ParameterSpec } from './parameters.ts';
import { type Tensor4D, tf } from './tensorflow.ts';

/** What the images of a data set look like to the network. */
export interface ImageFormat {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Per channel, of pixels divided by 255. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Encoder, projection head and optimizer of a training run. */
export interface TrainingModel extends Pick<EncoderModel, 'embed'>, Pick<ProjectionHead, 'project'> {
  /** All state by name: parameters of encoder and head, then the optimizer's slots, the queue and the loss scale. */
  readonly state: readonly ParameterSpec[];
  readonly encoder: EncoderModel;
  readonly trainable: readonly string[];
  readonly optimizer: Optimizer;
  readonly queue: ProjectionQueue | null;
  /** Of a training in float16. */
  readonly lossScale: LossScale | null;
  /** Normalises images and gives them the channels that the encoder wants. */
  readonly prepare: (images: Tensor4D) => Tensor4D;
}

export function createTrainingModel(config: TrainingConfig, format: ImageFormat): TrainingModel {
  const encoder = createEncoder(config.encoder, format.channels);
  const head = createProjectionHead(encoder.dimension, config.projection);
  const parameters = [...encoder.parameters, ...head.parameters];
  const optimizer = createOptimizer(config.optimizer, parameters);
  const queue = createProjectionQueue(config.loss.supcon, config.projection.output);
  const lossScale = config.precision === 'float16' ? createLossScale() : null;
  return {
    state: [...parameters, ...optimizer.slots, ...(queue?.variables ?? []), ...(lossScale?.variables ?? [])],
    encoder,
    embed: encoder.embed,
    project: head.project,
    trainable: parameters.filter(({ trainable }) => trainable).map(({ name }) => name),
    optimizer,
    queue,
    lossScale,
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
