import { type Scalar, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import { closedForm } from './closed-form.ts';
import { normalised, sameClass } from './pairs.ts';
import { logDenominator, meanOfPositives } from './supcon-terms.ts';

/**
 * The loss of Keras's tutorial on supervised contrastive learning: `npairs_loss` of TensorFlow Addons (Sohn, Improved Deep Metric Learning
 * with Multi-class N-pair Loss Objective, NeurIPS 2016) on the similarities s of all rows, cosine over temperature:
 *
 *     loss_i = - 1 / |S(i)| * sum_{j in S(i)} log (exp(s_ij) / sum_a exp(s_ia)),   S(i): all rows of the class of i
 *
 * Other than in SupCon, a row is in its own denominator and among its own positives, so no row is without a positive.
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32 [rows], repeated per view
 * @returns the mean over the rows, float32 scalar, differentiable in `projections`
 */
export function nPairsLoss(
  projections: Tensor2D,
  labels: Tensor1D,
  { temperature }: { readonly temperature: number },
): Scalar {
  return tf.tidy(() => {
    const unit = normalised(projections);
    const same = sameClass(labels);
    const target = tf.div(same, tf.sum(same, 1, true));
    return closedForm<Scalar>(tf.div(tf.matMul(unit, unit, false, true), temperature), (s) => {
      const [denominator, positives] = [logDenominator(s), meanOfPositives(s, target)];
      return {
        value: tf.mean(tf.sub(denominator.value, positives.value)),
        gradient: tf.div(tf.sub(denominator.gradient, positives.gradient), same.shape[0]),
      };
    });
  });
}
