import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';
import { happens } from './geometry.ts';
import { perImage } from './per-image.ts';

/** Whether the config changes any colour. */
export const changesColour = ({ jitter, grey }: Pick<AugmentationConfig, 'jitter' | 'grey'>): boolean =>
  jitter !== undefined || grey > 0;

/** Weights of red, green and blue in luma (ITU-R BT.601). */
const lumaWeights = [0.299, 0.587, 0.114];

const between = (a: Tensor4D, b: Tensor4D, share: Tensor): Tensor4D => tf.add(a, tf.mul(tf.sub(b, a), share));

/** Luma of what has the channels as its last axis, which stays, of length 1. */
export const lumaOf = <T extends Tensor>(values: T): T =>
  values.shape.at(-1) === 1 ? values : tf.sum(tf.mul(values, tf.tensor1d(lumaWeights)), -1, true);

/**
 * Brightness, contrast, saturation and hue, in this order, each by a random factor and only for the share of images
 * that `jitter.probability` picks; then the colour is dropped for the share that `grey` picks (SimCLR, arXiv:2002.05709).
 * Saturation, hue and grey leave one-channel images alone.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 * @returns the same shape, clipped to 0 to 1
 */
export function adjustColour(
  images: Tensor4D,
  draw: Draw,
  { jitter, grey }: Pick<AugmentationConfig, 'jitter' | 'grey'>,
): Tensor4D {
  const coloured = images.shape[3] === 3;
  let result = images;
  if (jitter) {
    const factor = (name: 'brightness' | 'contrast' | 'saturation') =>
      perImage(tf.add(tf.mul(tf.sub(tf.mul(draw(name), 2), 1), jitter[name]), 1));
    let jittered = clip(tf.mul(images, factor('brightness')));
    const mean = tf.mean(lumaOf(jittered), [1, 2, 3], true) as Tensor4D;
    jittered = clip(between(mean, jittered, factor('contrast')));
    if (coloured) {
      jittered = clip(between(lumaOf(jittered), jittered, factor('saturation')));
      if (jitter.hue > 0)
        jittered = clip(rotateHue(jittered, tf.mul(tf.sub(tf.mul(draw('hue'), 2), 1), jitter.hue) as Tensor2D));
    }
    result = between(images, jittered, perImage(happens(draw('jittered'), jitter.probability)));
  }
  return grey > 0 && coloured ? between(result, lumaOf(result), perImage(happens(draw('grey'), grey))) : result;
}

const clip = (images: Tensor): Tensor4D => tf.clipByValue(images, 0, 1) as Tensor4D;

/** Turns the chroma plane of YIQ by a share of a full turn: float32 [rows, 1]. */
function rotateHue(images: Tensor4D, turns: Tensor2D): Tensor4D {
  const pixels = images.shape[1] * images.shape[2];
  const yiq = tf.matMul(tf.reshape(images, [-1, 3]), tf.tensor2d(rgbToYiq));
  const [y, i, q] = tf.split(tf.reshape(yiq, [-1, pixels, 3]), 3, 2) as [Tensor, Tensor, Tensor];
  const angle = tf.reshape(tf.mul(turns, 2 * Math.PI), [-1, 1, 1]);
  const [cos, sin] = [tf.cos(angle), tf.sin(angle)];
  const turnedI = tf.sub(tf.mul(i, cos), tf.mul(q, sin));
  const turnedQ = tf.add(tf.mul(i, sin), tf.mul(q, cos));
  const turned = tf.reshape(tf.concat([y, turnedI, turnedQ], 2), [-1, 3]);
  return tf.reshape(tf.matMul(turned as Tensor2D, tf.tensor2d(yiqToRgb)), images.shape) as Tensor4D;
}

/** NTSC's YIQ, for row vectors. */
const rgbToYiq = [
  [0.299, 0.596, 0.211],
  [0.587, -0.274, -0.523],
  [0.114, -0.322, 0.312],
];
const yiqToRgb = [
  [1, 1, 1],
  [0.956, -0.272, -1.106],
  [0.621, -0.647, 1.703],
];
