import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import { closedForm } from './closed-form.ts';
import { classPairs, keepOnly, normalised } from './pairs.ts';

/** Settings of the loss, as in the paper: its lambda is `base`. */
export interface MultiSimilarity {
  readonly alpha: number;
  readonly beta: number;
  readonly base: number;
  readonly epsilon: number;
}

/**
 * Multi-similarity loss with its mining of pairs (arXiv:1904.06627, section 4). Of the cosines S of row i those are kept
 *
 *     of a negative, where S_ij > min over positives of S_ik - epsilon;   of a positive, where S_ij < max over negatives of S_ik + epsilon
 *
 * and with P and N what is kept
 *
 *     loss_i = 1 / alpha * log(1 + sum_P exp(-alpha (S_ik - base))) + 1 / beta * log(1 + sum_N exp(beta (S_ik - base)))
 *
 * No gradient goes through the choice. A row without a positive or without a negative keeps no pair, and its loss is 0.
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32 [rows], repeated per view
 * @returns the mean over all rows, float32 scalar, differentiable in `projections`
 */
export function multiSimilarityLoss(projections: Tensor2D, labels: Tensor1D, settings: MultiSimilarity): Scalar {
  const { alpha, beta, base, epsilon } = settings;
  return tf.tidy(() => {
    const unit = normalised(projections);
    const { positive, negative } = classPairs(labels);
    return closedForm<Scalar>(tf.matMul(unit, unit, false, true), (s) => {
      const hardestNegative = tf.max(keepOnly(s, negative), 1, true);
      const hardestPositive = tf.neg(tf.max(keepOnly(tf.neg(s), positive), 1, true));
      const isNear = tf.cast(tf.less(s, tf.add(hardestNegative, epsilon)), 'float32');
      const isFar = tf.cast(tf.greater(s, tf.sub(hardestPositive, epsilon)), 'float32');
      const above = tf.sub(s, base);
      const ofPositives = logOnePlusSum(tf.mul(above, -alpha), tf.mul(positive, isNear));
      const ofNegatives = logOnePlusSum(tf.mul(above, beta), tf.mul(negative, isFar));
      const rows = s.shape[0] ?? 1;
      return {
        value: tf.div(tf.sum(tf.add(tf.div(ofPositives.value, alpha), tf.div(ofNegatives.value, beta))), rows),
        gradient: tf.div(tf.sub(ofNegatives.share, ofPositives.share), rows),
      };
    });
  });
}

/** log(1 + sum exp(x)) of each row over what is kept, [rows, 1], and its derivative for x. */
function logOnePlusSum(x: Tensor, kept: Tensor): { readonly value: Tensor; readonly share: Tensor } {
  const of = keepOnly(x, kept);
  const largest = tf.maximum(tf.max(of, 1, true), 0);
  const exponentials = tf.exp(tf.sub(of, largest));
  const sum = tf.add(tf.sum(exponentials, 1, true), tf.exp(tf.neg(largest)));
  return { value: tf.add(tf.log(sum), largest), share: tf.div(exponentials, sum) };
}
