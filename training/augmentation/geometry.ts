import type { AugmentationConfig } from '../../contracts/training.ts';
import { type Tensor, type Tensor2D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';

/** Whether the config moves any pixel. */
export const changesGeometry = ({ flip, rotation, zoom, crop }: AugmentationConfig): boolean =>
  flip > 0 || rotation > 0 || zoom > 0 || crop !== undefined;

/** A draw from [0, 1) moved to [-size, size). */
const symmetric = (draw: Tensor2D, size: number): Tensor => tf.mul(tf.sub(tf.mul(draw, 2), 1), size);

/** 1 where the draw is below the probability, else 0. */
export const happens = (draw: Tensor2D, probability: number): Tensor2D =>
  tf.cast(tf.less(draw, probability), 'float32') as Tensor2D;

/**
 * Flip, rotation, zoom and crop as one projective transform an image: about the centre,
 * source = centre + offset + R(angle) diag(scaleX * mirror, scaleY) (target - centre).
 * Rotation is up to `rotation` of a full turn either way, zoom scales by 1 +- `zoom`, as Keras's layers do; the crop is
 * SimCLR's: a random share of the area, aspect ratio 3/4 to 4/3, anywhere in the image.
 *
 * @returns float32 [rows, 8] for `projectiveTransform`
 */
export function geometricTransforms(
  draw: Draw,
  { height, width }: { readonly height: number; readonly width: number },
  { flip, rotation, zoom, crop }: AugmentationConfig,
): Tensor2D {
  const mirror = tf.sub(1, tf.mul(happens(draw('flip'), flip), 2));
  const angle = symmetric(draw('rotation'), rotation * 2 * Math.PI);
  const scale = tf.add(symmetric(draw('zoom'), zoom), 1);
  const window = crop ? cropWindow(draw, crop) : { width: tf.onesLike(scale), height: tf.onesLike(scale) };
  const scaleX = tf.mul(tf.mul(scale, window.width), mirror);
  const scaleY = tf.mul(scale, window.height);
  const offsetX = tf.mul(symmetric(draw('cropX'), width / 2), tf.sub(1, window.width));
  const offsetY = tf.mul(symmetric(draw('cropY'), height / 2), tf.sub(1, window.height));

  const a0 = tf.mul(tf.cos(angle), scaleX);
  const a1 = tf.neg(tf.mul(tf.sin(angle), scaleY));
  const b0 = tf.mul(tf.sin(angle), scaleX);
  const b1 = tf.mul(tf.cos(angle), scaleY);
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const a2 = tf.add(tf.sub(tf.sub(centreX, tf.mul(a0, centreX)), tf.mul(a1, centreY)), offsetX);
  const b2 = tf.add(tf.sub(tf.sub(centreY, tf.mul(b0, centreX)), tf.mul(b1, centreY)), offsetY);
  const zero = tf.zerosLike(a0);
  return tf.concat([a0, a1, a2, b0, b1, b2, zero, zero], 1) as Tensor2D;
}

/** The sides of the crop, as fractions of the image's. */
function cropWindow(
  draw: Draw,
  { minimumArea, probability }: { readonly minimumArea: number; readonly probability: number },
): { width: Tensor; height: Tensor } {
  const area = tf.add(tf.mul(draw('cropArea'), 1 - minimumArea), minimumArea);
  const ratio = tf.exp(symmetric(draw('cropRatio'), Math.log(4 / 3)));
  const cropped = happens(draw('cropped'), probability);
  const side = (fraction: Tensor) => tf.add(tf.mul(tf.minimum(fraction, 1), cropped), tf.sub(1, cropped));
  return { width: side(tf.sqrt(tf.mul(area, ratio))), height: side(tf.sqrt(tf.div(area, ratio))) };
}
