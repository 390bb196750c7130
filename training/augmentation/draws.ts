import { statelessUniform } from '../ops.ts';
import { type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';

/** Columns of the random draws that each operation reads, so that switching one on leaves the others' draws alone. */
const drawColumns = [
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

/** The draws of each operation, out of those of a batch. */
export const drawsOf =
  (draws: Tensor2D): Draw =>
  (column) =>
    tf.slice(draws, [0, drawColumns.indexOf(column)], [draws.shape[0], 1]);
