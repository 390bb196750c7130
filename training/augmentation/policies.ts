import { type AugmentationConfig, largestMagnitude } from '../../contracts/augmentation.ts';
import { type Tensor, type Tensor4D, tf } from '../tensorflow.ts';
import { lumaOf } from './colour.ts';
import { type RoundDraws, roundDraws, type ViewDraws } from './draws.ts';
import { type AffineMap, happens, type ImageSize } from './geometry.ts';
import { perImage, pick } from './per-image.ts';
import { autoContrasted, blended, equalized, levelsOf, posterized, solarized } from './tones.ts';

/**
 * RandAugment (Cubuk et al., arXiv:1909.13719) and TrivialAugment (Müller & Hutter, arXiv:2103.10158, its wide space): each
 * image draws its operations from the same fourteen, and how strong they are follows from a magnitude of 0 to 30. What each
 * does, and its range, is that of torchvision's `RandAugment` and `TrivialAugmentWide`, but for this:
 *
 * - The operations that move pixels are done first, together with crop and flip, by one resampling; so what lies beyond an edge is
 *   reflected, not black, and is there for what changes colours afterwards.
 * - `solarize` begins above white, so that magnitude 0 changes nothing; torchvision inverts white pixels.
 * - TrivialAugment shifts by up to a seventh of the side: 32 of 224 pixels, whatever the size.
 * - A value is rounded to 256 levels before each operation, not cut after it.
 */
export const policyOperations = [
  'identity',
  'shearX',
  'shearY',
  'translateX',
  'translateY',
  'rotate',
  'brightness',
  'saturation',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'autoContrast',
  'equalize',
] as const;
export type PolicyOperation = (typeof policyOperations)[number];

/** What the largest magnitude does. */
interface Space {
  readonly shear: number;
  /** Of the side. */
  readonly shift: number;
  /** In radians. */
  readonly angle: number;
  /** By how much brightness, saturation, contrast and sharpness differ from 1. */
  readonly factor: number;
  /** How many are cleared. */
  readonly bits: number;
}

export const randAugmentSpace: Space = { shear: 0.3, shift: 150 / 331, angle: Math.PI / 6, factor: 0.9, bits: 4 };
export const trivialAugmentSpace: Space = {
  shear: 0.99,
  shift: 32 / 224,
  angle: 0.75 * Math.PI,
  factor: 0.99,
  bits: 6,
};

/** One operation for each image: float32 [rows, 1] each. */
export interface Round {
  /** 1 for the images that drew it, else 0. */
  readonly drew: (operation: PolicyOperation) => Tensor;
  /** The magnitude, 0 to 1. */
  readonly strength: Tensor;
  /** The same, to either side of 0. */
  readonly signed: Tensor;
  readonly space: Space;
}

/** @param magnitude 0 to 30 of all images, or drawn for each */
export function roundOf({ operation, magnitude, sign }: RoundDraws, space: Space, fixed?: number): Round {
  const index = tf.floor(tf.mul(operation, policyOperations.length));
  const drawn = tf.div(tf.floor(tf.mul(magnitude, largestMagnitude + 1)), largestMagnitude);
  const strength = fixed === undefined ? drawn : tf.fill(operation.shape, fixed / largestMagnitude);
  return {
    drew: (name) => tf.cast(tf.equal(index, policyOperations.indexOf(name)), 'float32'),
    strength,
    signed: tf.mul(strength, tf.sub(tf.mul(happens(sign, 0.5), 2), 1)),
    space,
  };
}

/** The rounds of a config, in the order in which they are done. */
export const policyRounds = (draws: ViewDraws, { randAugment }: AugmentationConfig): Round[] => [
  ...roundDraws(draws, 'randAugment').map((each) => roundOf(each, randAugmentSpace, randAugment?.magnitude)),
  ...roundDraws(draws, 'trivialAugment').map((each) => roundOf(each, trivialAugmentSpace)),
];

/** What a round does to places, from its view to the one before it. */
export function movedBy({ drew, signed, space }: Round, { height, width }: ImageSize): AffineMap {
  const amount = (operation: PolicyOperation, most: number) => tf.mul(tf.mul(drew(operation), signed), most);
  const angle = amount('rotate', space.angle);
  const [cos, sin] = [tf.cos(angle), tf.sin(angle)];
  return {
    a0: cos,
    a1: tf.sub(amount('shearX', space.shear), sin),
    b0: tf.add(amount('shearY', space.shear), sin),
    b1: cos,
    offsetX: amount('translateX', space.shift * width),
    offsetY: amount('translateY', space.shift * height),
  };
}

/**
 * What a round does to values.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 * @returns the same shape
 */
export function recolouredBy({ drew, strength, signed, space }: Round, images: Tensor4D): Tensor4D {
  const factor = (operation: PolicyOperation) => tf.add(tf.mul(tf.mul(drew(operation), signed), space.factor), 1);
  const source = levelsOf(images);
  const counts = source.counts();
  const chosen = (operation: PolicyOperation) => tf.reshape(drew(operation), [-1, 1, 1]);

  // An image drew one of them: the others leave its table as it is.
  let table = posterized(source.unchanged, tf.mul(drew('posterize'), tf.round(tf.mul(strength, space.bits))));
  // A quarter below a whole number, so that no level is the threshold itself.
  table = solarized(table, tf.sub(tf.mul(tf.sub(1, tf.mul(drew('solarize'), strength)), 256), 0.25));
  table = pick(chosen('autoContrast'), autoContrasted(source.unchanged, counts), table);
  table = pick(chosen('equalize'), equalized(source.unchanged, counts), table);
  table = blended(0, table, factor('brightness'));
  table = blended(meanLuma(source.unchanged, counts), table, factor('contrast'));
  const toned = source.lookUp(table);

  const [saturation, sharpness] = [perImage(factor('saturation')), perImage(factor('sharpness'))];
  const parts = [
    tf.mul(toned, tf.mul(saturation, sharpness)),
    tf.mul(lumaOf(toned), tf.sub(1, saturation)),
    tf.mul(smoothed(toned), tf.sub(1, sharpness)),
  ] as const;
  return tf.clipByValue(tf.add(tf.add(parts[0], parts[1]), parts[2]), 0, 1) as Tensor4D;
}

/** The mean brightness of each image, from how often each level occurs: float32 [n, 1, 1]. */
function meanLuma(levels: Tensor, counts: Tensor): Tensor {
  const ofChannels = tf.div(tf.sum(tf.mul(levels, counts), 2), tf.sum(counts, 2));
  return tf.expandDims(lumaOf(ofChannels), 2);
}

/** Pillow's filter SMOOTH: each pixel 5/13, its neighbours 1/13; the edge stays. */
function smoothed(images: Tensor4D): Tensor4D {
  const [, height, width] = images.shape;
  if (height < 3 || width < 3) return images;
  const around = tf.mul(tf.avgPool(images, 3, 1, 'same'), 9);
  const inner = tf.pad(tf.ones([height - 2, width - 2]), [
    [1, 1],
    [1, 1],
  ]);
  return pick(tf.reshape(inner, [1, height, width, 1]), tf.div(tf.add(around, tf.mul(images, 4)), 13), images);
}
