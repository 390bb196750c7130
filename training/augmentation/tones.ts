import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { gatherRows, occurrences } from '../ops.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../tensorflow.ts';
import type { Draw } from './draws.ts';
import { happens } from './geometry.ts';
import { perImage, pick } from './per-image.ts';

/**
 * Operations on single values, whatever stands beside them. Each is a table of what becomes of the 256 levels of
 * a channel, as in Pillow's ImageOps, so an image passes through all of them at the price of one look-up.
 */

// Whole numbers are divided with a half added: a graph may multiply by the inverse, which must not fall below a whole quotient.
const levels = 256;
const brightest = levels - 1;

/** For each image and channel: float32 [n, channels, 256]. */
export type Table = Tensor;

/** Images of whole levels. */
export interface Levels {
  /** What each level becomes without a change: itself. */
  readonly unchanged: Table;
  /** How many pixels have each level. */
  readonly counts: () => Table;
  /** @param table 0 to 255; @returns images as `levelsOf` was given them, of the table's values */
  readonly lookUp: (table: Table) => Tensor4D;
}

/** @param images float32 [n, height, width, channels], 0 to 1; rounded to 256 levels */
export function levelsOf(images: Tensor4D): Levels {
  const [count, , , channels] = images.shape;
  const rounded = tf.cast(tf.round(tf.mul(images, brightest)), 'int32');
  // While a step is recorded, images hold any memory (`createSharedMemory`): as integers that are cut they stay inside the tables.
  const level = tf.clipByValue(rounded, 0, brightest);
  const tables = tf.mul(tf.range(0, count * channels, 1, 'int32'), tf.scalar(levels, 'int32'));
  const entries = tf.reshape(tf.add(level, tf.reshape(tables, [count, 1, 1, channels])), [-1]) as Tensor1D;
  const shape = [count, channels, levels];
  return {
    unchanged: tf.tile(tf.reshape(tf.range(0, levels), [1, 1, levels]), [count, channels, 1]),
    counts: () => tf.reshape(occurrences(entries, count * channels * levels), shape),
    lookUp: (table) =>
      tf.reshape(tf.div(gatherRows(tf.reshape(table, [-1]), entries), brightest), images.shape) as Tensor4D,
  };
}

/** Clears the lowest bits. @param table of whole numbers; @param bits cleared of each image: float32 [n, 1], 0 to 7 */
export function posterized(table: Table, bits: Tensor): Table {
  // Not tf.pow, whose last bit differs between processors.
  const isExponent = tf.cast(tf.equal(bits, tf.range(0, 8)), 'float32');
  const step = tf.reshape(tf.sum(tf.mul(isExponent, tf.tensor1d([1, 2, 4, 8, 16, 32, 64, 128])), 1), [-1, 1, 1]);
  return tf.mul(tf.floor(tf.div(tf.add(table, 0.5), step)), step);
}

/** Inverts what is at or above the threshold of an image: float32 [n, 1], 0 to 255; above 255 nothing is. */
export function solarized(table: Table, threshold: Tensor): Table {
  const inverted = tf.cast(tf.greaterEqual(table, tf.reshape(threshold, [-1, 1, 1])), 'float32');
  return tf.add(table, tf.mul(inverted, tf.sub(brightest, tf.mul(table, 2))));
}

/** Away from another value, or towards it: value + factor (table - value), cut to 0 to 255. @param factor float32 [n, 1] */
export function blended(value: Tensor | number, table: Table, factor: Tensor): Table {
  const share = tf.reshape(factor, [-1, 1, 1]);
  return tf.clipByValue(tf.add(tf.mul(table, share), tf.mul(value, tf.sub(1, share))), 0, brightest);
}

/** Stretches each channel to 0 to 255; a channel of one level stays. */
export function autoContrasted(unchanged: Table, counts: Table): Table {
  const occurs = tf.cast(tf.greater(counts, 0), 'float32');
  const darkest = tf.min(tf.add(unchanged, tf.mul(tf.sub(1, occurs), levels)), 2, true);
  const lightest = tf.max(tf.mul(unchanged, occurs), 2, true);
  const spread = tf.sub(lightest, darkest);
  const stretched = tf.mul(tf.sub(unchanged, darkest), tf.div(brightest, tf.maximum(spread, 1)));
  return pick(tf.cast(tf.greater(spread, 0), 'float32'), tf.clipByValue(stretched, 0, brightest), unchanged);
}

/** Spreads each channel so that every level is about as common as every other, by Pillow's rule. */
export function equalized(unchanged: Table, counts: Table): Table {
  const occurs = tf.cast(tf.greater(counts, 0), 'float32');
  const last = tf.equal(unchanged, tf.max(tf.mul(unchanged, occurs), 2, true));
  const others = tf.sub(tf.sum(counts, 2, true), tf.sum(tf.mul(counts, tf.cast(last, 'float32')), 2, true));
  const step = tf.floor(tf.div(tf.add(others, 0.5), brightest));
  const below = tf.cumsum(counts, 2, true);
  const even = tf.floor(tf.div(tf.add(below, tf.add(tf.floor(tf.div(step, 2)), 0.5)), tf.maximum(step, 1)));
  return pick(tf.cast(tf.greater(step, 0), 'float32'), tf.minimum(even, brightest), unchanged);
}

type ToneConfig = Pick<AugmentationConfig, 'equalize' | 'posterize' | 'solarize'>;

/** Whether the config changes any tone. */
export const changesTones = ({ equalize, posterize, solarize }: ToneConfig): boolean =>
  equalize !== undefined || posterize !== undefined || solarize !== undefined;

/**
 * Equalizes, posterizes and solarizes, in this order, each for the share of images that its probability picks. Images that
 * none of them picks stay the same to the bit; the others are rounded to 256 levels.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 * @returns the same shape
 */
export function changeTones(images: Tensor4D, draw: Draw, { equalize, posterize, solarize }: ToneConfig): Tensor4D {
  const source = levelsOf(images);
  let table = source.unchanged;
  let untouched: Tensor = tf.scalar(1);
  const where = (chosen: Tensor) => {
    untouched = tf.mul(untouched, tf.sub(1, chosen));
    return chosen;
  };
  if (equalize) {
    const chosen = where(happens(draw('equalized'), equalize.probability));
    table = pick(tf.reshape(chosen, [-1, 1, 1]), equalized(source.unchanged, source.counts()), table);
  }
  if (posterize)
    table = posterized(table, tf.mul(where(happens(draw('posterized'), posterize.probability)), 8 - posterize.bits));
  if (solarize) {
    const chosen = where(happens(draw('solarized'), solarize.probability));
    table = solarized(table, tf.add(tf.mul(chosen, solarize.threshold * brightest - levels), levels));
  }
  return pick(perImage(untouched), images, source.lookUp(table));
}
