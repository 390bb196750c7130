import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';
import { happens, within } from './geometry.ts';
import { perImage, pick } from './per-image.ts';

/**
 * Gaussian blur of the share of images that `probability` picks, of a standard deviation drawn evenly from `sigma`, in pixels
 * (SimCLR, arXiv:2002.05709, appendix A). The kernel is not cut off; at the edges what lies beyond has no weight.
 *
 * @param images float32 [n, height, width, channels]
 * @returns the same shape
 */
export function blurImages(
  images: Tensor4D,
  draw: Draw,
  { probability, sigma }: NonNullable<AugmentationConfig['blur']>,
): Tensor4D {
  const blurred = blurredBy(images, within(draw('sigma'), sigma));
  return pick(perImage(happens(draw('blurred'), probability)), blurred, images);
}

/**
 * The blur as two products with a matrix of weights for each image: one of its columns, one of its rows.
 *
 * @param sigma float32 [n, 1], above 0
 */
export function blurredBy(images: Tensor4D, sigma: Tensor2D): Tensor4D {
  const [, height, width, channels] = images.shape;
  const columns = tf.matMul(weights(height, sigma), tf.reshape(images, [-1, height, width * channels]));
  const turned = tf.transpose(tf.reshape(columns, [-1, height, width, channels]), [0, 2, 1, 3]);
  const rows = tf.matMul(weights(width, sigma), tf.reshape(turned, [-1, width, height * channels]));
  return tf.transpose(tf.reshape(rows, [-1, width, height, channels]), [0, 2, 1, 3]) as Tensor4D;
}

/** How much each pixel of a line takes of each other: float32 [n, side, side], rows of sum 1. */
function weights(side: number, sigma: Tensor2D): Tensor {
  const place = tf.range(0, side);
  const squared = tf.square(tf.sub(tf.expandDims(place, 1), tf.expandDims(place, 0)));
  const precision = tf.reshape(tf.div(-0.5, tf.square(sigma)), [-1, 1, 1]);
  const bell = tf.exp(tf.mul(tf.expandDims(squared, 0), precision));
  return tf.div(bell, tf.sum(bell, 2, true));
}
