import type { LoadedSplit } from '../datasets/index.ts';
import { byteTensor } from './ops.ts';
import { type Tensor, type Tensor1D, tf } from './tensorflow.ts';

/** A split of a data set inside TensorFlow, so that a step moves only indices. */
export interface ResidentImages {
  /** uint8 [count, height, width, channels]; read it with `gatherRows`. */
  readonly images: Tensor;
  /** int32 [count] */
  readonly labels: Tensor1D;
}

export function residentImages(split: LoadedSplit): ResidentImages {
  return {
    images: byteTensor(split.images, [split.count, split.height, split.width, split.channels]),
    labels: tf.tensor1d(split.labels, 'int32'),
  };
}
