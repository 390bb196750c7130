import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { type Tensor, type Tensor4D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';
import { happens, within } from './geometry.ts';
import { perImage, pick } from './per-image.ts';

/** Logarithms of the least and the largest ratio of a rectangle's sides, as in the paper. */
const ratios = [Math.log(0.3), Math.log(1 / 0.3)] as const;

/**
 * Random erasing (Zhong et al., arXiv:1708.04896): for the share of images that `probability` picks, a rectangle of a random share
 * of the area, its sides in a ratio from 0.3 to 1/0.3, anywhere in the image, takes the mean colour of the image. Two
 * deviations: the paper draws a rectangle that sticks out anew, here its side is cut to the image's; ratios are drawn
 * evenly by their logarithm.
 *
 * @param images float32 [n, height, width, channels]
 * @returns the same shape
 */
export function eraseRectangles(
  images: Tensor4D,
  draw: Draw,
  { probability, area }: NonNullable<AugmentationConfig['erase']>,
): Tensor4D {
  const [, height, width] = images.shape;
  const share = within(draw('eraseArea'), area);
  const ratio = tf.exp(within(draw('eraseRatio'), ratios));
  const rows = covered(height, tf.minimum(tf.sqrt(tf.mul(share, ratio)), 1), draw('eraseY'));
  const columns = covered(width, tf.minimum(tf.sqrt(tf.div(share, ratio)), 1), draw('eraseX'));
  const rectangle = tf.mul(tf.reshape(rows, [-1, height, 1, 1]), tf.reshape(columns, [-1, 1, width, 1]));
  const erased = tf.mul(rectangle, perImage(happens(draw('erased'), probability)));
  return pick(erased, tf.mean(images, [1, 2], true) as Tensor4D, images);
}

/**
 * 1 for the pixels of a line whose centres lie in a stretch of it: float32 [n, side].
 *
 * @param share of the line that the stretch takes, and @param place where it lies, 0 to 1: float32 [n, 1] each
 */
function covered(side: number, share: Tensor, place: Tensor): Tensor {
  const length = tf.mul(share, side);
  const first = tf.mul(tf.sub(side, length), place);
  const centre = tf.expandDims(tf.add(tf.range(0, side), 0.5), 0);
  const isCovered = tf.logicalAnd(tf.greaterEqual(centre, first), tf.less(centre, tf.add(first, length)));
  return tf.cast(isCovered, 'float32');
}
