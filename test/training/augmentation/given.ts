import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { type AugmentationConfig, augmentationRecipes } from '../../../contracts/augmentation.ts';
import { type Draw, type ViewDraws, viewDraws } from '../../../training/augmentation/draws.ts';
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../../../training/tensorflow.ts';

/** Operations on top of a config that does nothing. */
export const only = (operations: Partial<AugmentationConfig>): AugmentationConfig => ({
  ...augmentationRecipes.none,
  ...operations,
});

/** Every operation that there is. */
export const everything: AugmentationConfig = {
  ...augmentationRecipes.photos,
  rotation: 0.1,
  zoom: 0.1,
  equalize: { probability: 0.3 },
  posterize: { probability: 0.3, bits: 3 },
  solarize: { probability: 0.3, threshold: 0.5 },
  erase: { probability: 0.5, area: [0.02, 0.33] },
  randAugment: { operations: 2, magnitude: 9 },
  trivialAugment: true,
};

/** Draws of a made-up training. */
export const drawsFor = (rows: number, config: AugmentationConfig): ViewDraws =>
  viewDraws(rows, config, (what) => tf.tensor1d([1, what === 'always' ? 2 : what.length], 'int32'));

/** Draws that a test chooses, one value of each column for all images; 0 for those that it does not name. */
export const chosen =
  (values: Partial<Record<Parameters<Draw>[0], number>>): Draw =>
  (column) =>
    tf.tensor2d([[values[column] ?? 0]]) as Tensor2D;

/** An image of whole levels, row by row, each value below 256. */
export const imageOf = (levels: readonly (readonly number[])[], channels: 1 | 3 = 1): Tensor4D => {
  const width = (levels[0]?.length ?? 0) / channels;
  return tf.div(tf.tensor4d(levels.flat(), [1, levels.length, width, channels]), 255) as Tensor4D;
};

/** The levels of images, as float32 gives them. */
export const levelsIn = (images: Tensor): number[] => [...tf.mul(images, 255).dataSync()];

/** Expects these levels, each within a tolerance. */
export const expectLevels = (images: Tensor, expected: readonly number[], tolerance = 0.01): void => {
  const levels = levelsIn(images);
  expect(levels).toHaveLength(expected.length);
  levels.forEach((level, at) => void expect(Math.abs(level - (expected[at] ?? Number.NaN))).toBeLessThan(tolerance));
};

/** The levels with one decimal, to compare with what was computed in float64. */
export const roundedLevels = (images: Tensor): number[] =>
  levelsIn(images).map((level) => Math.round(level * 10) / 10 + 0);

/** Images of levels that look like chance. */
export const scatteredImages = (count: number, side: number, channels: 1 | 3 = 3): Tensor4D => {
  const values = Float32Array.from(
    { length: count * side * side * channels },
    (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) / 255,
  );
  return tf.tensor4d(values, [count, side, side, channels]);
};

export const sha256 = (tensor: Tensor): string => {
  const { buffer, byteOffset, byteLength } = tensor.dataSync();
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
};
