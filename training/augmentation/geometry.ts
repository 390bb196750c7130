import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { type Tensor, type Tensor2D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Shares of the area that a crop keeps, and how likely it is. */
export interface CropConfig {
  readonly minimumArea: number;
  /** @default 1 */
  readonly maximumArea?: number;
  readonly probability: number;
}

/** An affine map about the centres of two images: source - centre = linear (target - centre) + offset. float32 [rows, 1] each. */
export interface AffineMap {
  readonly a0: Tensor;
  readonly a1: Tensor;
  readonly b0: Tensor;
  readonly b1: Tensor;
  readonly offsetX: Tensor;
  readonly offsetY: Tensor;
}

/** Whether the config moves any pixel. */
export const changesGeometry = ({ flip, rotation, zoom, crop }: AugmentationConfig): boolean =>
  flip > 0 || rotation > 0 || zoom > 0 || crop !== undefined;

/** A draw from [0, 1) moved to [-size, size). */
const symmetric = (draw: Tensor2D, size: number): Tensor => tf.mul(tf.sub(tf.mul(draw, 2), 1), size);

/** 1 where the draw is below the probability, else 0. */
export const happens = (draw: Tensor2D, probability: number): Tensor2D =>
  tf.cast(tf.less(draw, probability), 'float32') as Tensor2D;

/** A draw from [0, 1) moved to [low, high). */
export const within = (draw: Tensor2D, [low, high]: readonly [number, number]): Tensor2D =>
  tf.add(tf.mul(draw, high - low), low) as Tensor2D;

/**
 * Flip, rotation, zoom and crop, and the step from the size of an image to that of a view, as one map an image: about the
 * centres, source = offset + R(angle) diag(scaleX * mirror, scaleY) target.
 * Rotation is up to `rotation` of a full turn either way, zoom scales by 1 +- `zoom`, as Keras's layers do; the crop is
 * SimCLR's: a random share of the area, aspect ratio 3/4 to 4/3, anywhere in the image.
 */
export function drawnMap(
  draw: Draw,
  source: ImageSize,
  target: ImageSize,
  {
    flip,
    rotation,
    zoom,
    crop,
  }: Pick<AugmentationConfig, 'flip' | 'rotation' | 'zoom'> & { crop?: CropConfig | undefined },
): AffineMap {
  const mirror = tf.sub(1, tf.mul(happens(draw('flip'), flip), 2));
  const angle = symmetric(draw('rotation'), rotation * 2 * Math.PI);
  const scale = tf.add(symmetric(draw('zoom'), zoom), 1);
  const window = crop ? cropWindow(draw, crop) : { width: tf.onesLike(scale), height: tf.onesLike(scale) };
  const scaleX = times(tf.mul(tf.mul(scale, window.width), mirror), source.width / target.width);
  const scaleY = times(tf.mul(scale, window.height), source.height / target.height);
  return {
    a0: tf.mul(tf.cos(angle), scaleX),
    a1: tf.neg(tf.mul(tf.sin(angle), scaleY)),
    b0: tf.mul(tf.sin(angle), scaleX),
    b1: tf.mul(tf.cos(angle), scaleY),
    offsetX: tf.mul(symmetric(draw('cropX'), source.width / 2), tf.sub(1, window.width)),
    offsetY: tf.mul(symmetric(draw('cropY'), source.height / 2), tf.sub(1, window.height)),
  };
}

const times = (values: Tensor, factor: number): Tensor => (factor === 1 ? values : tf.mul(values, factor));

/** The map of `first`, then that of `then` on what it gave. */
export function composed(first: AffineMap, then: AffineMap): AffineMap {
  const sum = (a: Tensor, x: Tensor, b: Tensor, y: Tensor) => tf.add(tf.mul(a, x), tf.mul(b, y));
  return {
    a0: sum(first.a0, then.a0, first.a1, then.b0),
    a1: sum(first.a0, then.a1, first.a1, then.b1),
    b0: sum(first.b0, then.a0, first.b1, then.b0),
    b1: sum(first.b0, then.a1, first.b1, then.b1),
    offsetX: tf.add(sum(first.a0, then.offsetX, first.a1, then.offsetY), first.offsetX),
    offsetY: tf.add(sum(first.b0, then.offsetX, first.b1, then.offsetY), first.offsetY),
  };
}

/** @returns float32 [rows, 8] for `projectiveTransform` */
export function transformsOf(
  { a0, a1, b0, b1, offsetX, offsetY }: AffineMap,
  source: ImageSize,
  target: ImageSize,
): Tensor2D {
  const [fromX, fromY] = [(source.width - 1) / 2, (source.height - 1) / 2];
  const [toX, toY] = [(target.width - 1) / 2, (target.height - 1) / 2];
  const a2 = tf.add(tf.sub(tf.sub(fromX, tf.mul(a0, toX)), tf.mul(a1, toY)), offsetX);
  const b2 = tf.add(tf.sub(tf.sub(fromY, tf.mul(b0, toX)), tf.mul(b1, toY)), offsetY);
  const zero = tf.zerosLike(a0);
  return tf.concat([a0, a1, a2, b0, b1, b2, zero, zero], 1) as Tensor2D;
}

/** The sides of the crop, as fractions of the image's. */
function cropWindow(
  draw: Draw,
  { minimumArea, maximumArea = 1, probability }: CropConfig,
): { width: Tensor; height: Tensor } {
  const area = within(draw('cropArea'), [minimumArea, maximumArea]);
  const ratio = tf.exp(symmetric(draw('cropRatio'), Math.log(4 / 3)));
  const cropped = happens(draw('cropped'), probability);
  const side = (fraction: Tensor) => tf.add(tf.mul(tf.minimum(fraction, 1), cropped), tf.sub(1, cropped));
  return { width: side(tf.sqrt(tf.mul(area, ratio))), height: side(tf.sqrt(tf.div(area, ratio))) };
}
