import { gatherRows } from '../ops.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import { closedForm } from './closed-form.ts';
import { classPairs, keepOnly, normalised, oneHot } from './pairs.ts';

/**
 * Triplet loss with batch-hard mining: equation 5 of arXiv:1703.07737, on rows of length 1. With p the farthest row of the class of i
 * and n the nearest of another class, by Euclidean distance D:
 *
 *     margin m: loss_i = max(0, m + D(i, p) - D(i, n))
 *     soft:     loss_i = ln(1 + exp(D(i, p) - D(i, n)))
 *
 * Rows without a positive or without a negative are left out of the mean; with none at all the loss and its gradient are 0.
 * Distances are of differences of rows, which stay exact where rows nearly coincide; only the choice of p and n goes by cosines.
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32 [rows], repeated per view
 * @returns the mean over the rows, float32 scalar, differentiable in `projections`
 */
export function tripletLoss(
  projections: Tensor2D,
  labels: Tensor1D,
  { margin }: { readonly margin: number | 'soft' },
): Scalar {
  return tf.tidy(() => {
    const { positive, negative } = classPairs(labels);
    const has = (pairs: Tensor) => tf.cast(tf.greater(tf.sum(pairs, 1, true), 0), 'float32');
    const valid = tf.mul(has(positive), has(negative));
    const anchors = tf.maximum(tf.sum(valid), 1);
    return closedForm<Scalar>(normalised(projections), (rows) => {
      const unit = rows as Tensor2D;
      const cosine = tf.matMul(unit, unit, false, true);
      const farthest = distanceTo(unit, tf.argMax(keepOnly(tf.neg(cosine), positive), 1) as Tensor1D);
      const nearest = distanceTo(unit, tf.argMax(keepOnly(cosine, negative), 1) as Tensor1D);
      const difference = tf.sub(farthest.distance, nearest.distance);
      const { value, slope } = margin === 'soft' ? soft(difference) : hinge(difference, margin);
      const share = tf.div(tf.mul(slope, valid), anchors);
      return {
        value: tf.div(tf.sum(tf.mul(value, valid)), anchors),
        gradient: tf.sub(farthest.backward(share), nearest.backward(share)),
      };
    });
  });
}

function hinge(difference: Tensor, margin: number): { readonly value: Tensor; readonly slope: Tensor } {
  const violation = tf.add(difference, margin);
  return { value: tf.maximum(violation, 0), slope: tf.cast(tf.greater(violation, 0), 'float32') };
}

/** Distances are at most 2, so nothing overflows. */
function soft(difference: Tensor): { readonly value: Tensor; readonly slope: Tensor } {
  const raised = tf.exp(difference);
  return { value: tf.log(tf.add(raised, 1)), slope: tf.div(raised, tf.add(raised, 1)) };
}

/** The distance of each row to another, [rows, 1], and the gradient for all rows of a weighted sum of these. At distance 0 it is 0. */
function distanceTo(unit: Tensor2D, others: Tensor1D) {
  const difference = tf.sub(unit, gatherRows(unit, others));
  const distance = tf.sqrt(tf.sum(tf.square(difference), 1, true));
  return {
    distance,
    backward: (weights: Tensor): Tensor => {
      const pull = tf.mul(tf.div(difference, tf.maximum(distance, 1e-12)), weights) as Tensor2D;
      return tf.sub(pull, tf.matMul(oneHot(others, unit.shape[0]), pull, true, false));
    },
  };
}
