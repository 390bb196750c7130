import type { AugmentationConfig } from '../../contracts/training.ts';
import { projectiveTransform, statelessUniform } from '../ops.ts';
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import { adjustColour, changesColour } from './colour.ts';
import { changesGeometry, geometricTransforms } from './geometry.ts';

/** Columns of the random draws that each operation reads, so that switching one on leaves the others' draws alone. */
export const drawColumns = [
  'flip',
  'rotation',
  'zoom',
  'cropped',
  'cropArea',
  'cropRatio',
  'cropX',
  'cropY',
  'jittered',
  'brightness',
  'contrast',
  'saturation',
  'hue',
  'grey',
] as const;

/** Uniform draws in [0, 1) for one operation: float32 [rows, 1]. */
export type Draw = (column: (typeof drawColumns)[number]) => Tensor2D;

/**
 * The draws of a batch: float32 [rows, operations], a function of the seed pair and the shape alone.
 *
 * @param seed int32 [2]: from (seed, purpose) and the step
 */
export const viewDraws = (rows: number, seed: Tensor1D): Tensor2D =>
  statelessUniform([rows, drawColumns.length], seed) as Tensor2D;

/**
 * One augmented version of each image. Geometry is resampled once, bilinearly, with reflection beyond the edges.
 *
 * @param draws float32 [n, operations]: a row for each image
 */
export function augment(images: Tensor4D, draws: Tensor2D, config: AugmentationConfig): Tensor4D {
  return tf.tidy(() => {
    const [rows, height, width] = images.shape;
    const draw: Draw = (column) => tf.slice(draws, [0, drawColumns.indexOf(column)], [rows, 1]);
    const moved = changesGeometry(config)
      ? projectiveTransform(images, geometricTransforms(draw, { height, width }, config))
      : images;
    return changesColour(config) ? adjustColour(moved, draw, config) : tf.clone(moved);
  });
}
