import type { AugmentationConfig } from '../../contracts/training.ts';
import { projectiveTransform } from '../ops.ts';
import { type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import { adjustColour, changesColour } from './colour.ts';
import { drawsOf } from './draws.ts';
import { changesGeometry, geometricTransforms } from './geometry.ts';

/**
 * One augmented version of each image. Geometry is resampled once, bilinearly, with reflection beyond the edges.
 *
 * @param draws float32 [n, operations]: a row for each image
 */
export function augment(images: Tensor4D, draws: Tensor2D, config: AugmentationConfig): Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = images.shape;
    const draw = drawsOf(draws);
    const moved = changesGeometry(config)
      ? projectiveTransform(images, geometricTransforms(draw, { height, width }, config))
      : images;
    return changesColour(config) ? adjustColour(moved, draw, config) : tf.clone(moved);
  });
}
