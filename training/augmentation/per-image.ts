import { type Tensor, type Tensor4D, tf } from '../tensorflow.ts';

/** float32 [rows, 1] as [rows, 1, 1, 1], to weigh images by row. */
export const perImage = (column: Tensor): Tensor4D => tf.reshape(column, [-1, 1, 1, 1]) as Tensor4D;

/**
 * `chosen` where the mask is 1, `other` where it is 0, bit by bit.
 *
 * @param mask float32 that broadcasts to the others' shape
 */
export const pick = <T extends Tensor>(mask: Tensor, chosen: T, other: T): T =>
  tf.add(tf.mul(chosen, mask), tf.mul(other, tf.sub(1, mask))) as T;
