import type { LabelMatrix, LoadedSplit } from '../datasets/index.ts';
import type { Labels } from './objectives/objective.ts';
import { byteTensor } from './ops.ts';
import { type Tensor, tf } from './tensorflow.ts';

/** A split of a data set inside TensorFlow, so that a step moves only indices. */
export interface ResidentImages {
  /** uint8 [count, height, width, channels]; read it with `gatherRows`. */
  readonly images: Tensor;
  readonly labels: Labels;
}

/** @param matrix further labels of the images, in place of their classes */
export function residentImages(split: LoadedSplit, matrix: LabelMatrix | null = null): ResidentImages {
  return {
    images: byteTensor(split.images, [split.count, split.height, split.width, split.channels]),
    labels: matrix
      ? tf.tensor2d(matrix.values, [split.count, matrix.names.length], 'int32')
      : tf.tensor1d(split.labels, 'int32'),
  };
}
