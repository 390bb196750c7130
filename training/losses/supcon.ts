import type { SupconSettings } from '../../contracts/losses.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import { closedForm } from './closed-form.ts';
import { masked, normalised, selfPairs } from './pairs.ts';
import type { QueueContents } from './projection-queue.ts';
import { hardLogDenominator, logDenominator, logMeanOfPositives, meanOfPositives } from './supcon-terms.ts';

/** Scale of the published code: the loss times temperature / 0.07 (HobbitLong/SupContrast). */
export const baseTemperature = 0.07;

/**
 * Supervised contrastive loss, with a weight for each pair of rows: L_out, equation 2 of arXiv:2004.11362, and L_in, its equation 3:
 *
 *     out: loss_i = - 1 / sum_j w_ij * sum_j w_ij log p_ij
 *     in:  loss_i = - log (1 / sum_j w_ij * sum_j w_ij p_ij)
 *     p_ij = exp(s_ij) / sum_{a != i} exp(s_ia),   j != i
 *
 * With `hardNegatives` each negative in the denominator, a row with w = 0, has a weight of its own (see `hardLogDenominator`).
 *
 * Every row is an anchor; all other rows are in the denominator. With c_ij the number of the L columns of labels in which
 * rows i and j both have a label, the same one, w_ij is
 *
 * - `class`, one column: c_ij, so the positives are the other rows of the class;
 * - `any`: 1 where c_ij > 0, else 0, as "any" of Zhang and Wu, Multi-Label Supervised Contrastive Learning
 *   (doi:10.1609/aaai.v38i15.29619);
 * - `share`: c_ij / L. Their own loss weighs a pair by the overlap of its labels too, but gives each label of an anchor a sum
 *   of its own.
 *
 * Anchors without a positive (sum_j w_ij = 0) are left out of the mean; with none at all the loss and its gradient are 0.
 * The diagonal is masked before the maximum is taken, which keeps small temperatures finite in float32.
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32, repeated per view: of `class` [rows] or [rows, 1], else [rows, L], where -1 is no label
 * @param config.positives what w_ij is; absent: `class`
 * @param config.variant absent: `out`
 * @param queue earlier projections to contrast with as well, without a gradient
 * @returns float32 scalar, differentiable in `projections`
 */
export function supconLoss(
  projections: Tensor2D,
  labels: Tensor1D | Tensor2D,
  config: Pick<SupconSettings, 'temperature' | 'scale' | 'positives' | 'variant' | 'hardNegatives'>,
  queue?: QueueContents,
): Scalar {
  return tf.tidy(() => {
    const { temperature, scale, positives } = config;
    const unit = normalised(projections);
    const anchors = inColumns(labels);
    const against = queue ? (tf.concat([unit, queue.projections]) as Tensor2D) : unit;
    const shared = sharedLabels(anchors, queue ? (tf.concat([anchors, inColumns(queue.labels)]) as Tensor2D) : anchors);
    // The number of columns divides out, so whole numbers weigh as shares do.
    const weights = positives === 'any' ? (tf.minimum(shared, 1) as Tensor2D) : shared;
    const similarities = tf.div(tf.matMul(unit, against, false, true), temperature) as Tensor2D;
    const loss = contrast(similarities, weights, config, queue?.empty);
    if (scale === 'none') return loss;
    return tf.mul(loss, scale === 'temperature' ? temperature : temperature / baseTemperature) as Scalar;
  });
}

/** Labels as [rows, columns]. */
const inColumns = (labels: Tensor1D | Tensor2D): Tensor2D => tf.reshape(labels, [labels.shape[0], -1]);

/**
 * In how many columns two rows have the same label.
 *
 * @param labels int32 [rows, L], of the anchors; below 0 where there is none
 * @param others int32 [others, L]
 * @returns float32 [rows, others]
 */
function sharedLabels(labels: Tensor2D, others: Tensor2D): Tensor2D {
  const columnOf = (matrix: Tensor2D, column: number) => tf.slice(matrix, [0, column], [-1, 1]);
  const inColumn = (column: number): Tensor => {
    const own = columnOf(labels, column);
    const same = tf.equal(own, tf.reshape(columnOf(others, column), [1, -1]));
    return tf.cast(tf.logicalAnd(same, tf.greaterEqual(own, 0)), 'float32');
  };
  const columns = Array.from({ length: labels.shape[1] }, (_, column) => inColumn(column));
  return columns.reduce((sum, each) => tf.add(sum, each)) as Tensor2D;
}

/**
 * Mean over the anchors with a positive of logsumexp_{a != i}(s_ia) - sum_a t_ia s_ia, where t_ia = w_ia / sum_{a != i} w_ia, with
 * its gradient in closed form: (softmax_{a != i}(s_ia) - t_ia) / anchors. The variants have another term before or after the minus.
 *
 * @param similarities [rows, columns]; the first `rows` columns are the rows themselves
 * @param weights [rows, columns], whole numbers from 0; the diagonal is not looked at
 * @param empty 1 for a column behind the rows that is not there, [columns - rows]
 */
function contrast(
  similarities: Tensor2D,
  weights: Tensor2D,
  { variant, hardNegatives }: Pick<SupconSettings, 'variant' | 'hardNegatives'>,
  empty?: Tensor1D,
): Scalar {
  const [rows, columns] = similarities.shape;
  const self = selfPairs(rows, columns);
  const excluded = empty ? tf.add(self, tf.expandDims(tf.concat([tf.zeros([rows]), empty]), 0)) : self;
  const positive = tf.mul(weights, tf.sub(1, self));
  const total = tf.sum(positive, 1, true);
  const valid = tf.cast(tf.greater(total, 0), 'float32');
  const anchors = tf.maximum(tf.sum(valid), 1);
  const target = tf.div(positive, tf.maximum(total, 1));
  const mask = tf.mul(excluded, masked);
  const denominatorOf = (s: Tensor) => {
    const kept = tf.sub(1, excluded);
    if (!hardNegatives) return logDenominator(tf.add(tf.mul(s, kept), mask));
    const negative = tf.mul(kept, tf.cast(tf.equal(weights, 0), 'float32'));
    return hardLogDenominator(s, kept, negative, hardNegatives.beta);
  };
  return closedForm<Scalar>(similarities, (s) => {
    const denominator = denominatorOf(s);
    const positives = variant === 'in' ? logMeanOfPositives(s, target) : meanOfPositives(s, target);
    const perAnchor = tf.sub(denominator.value, positives.value);
    return {
      value: tf.div(tf.sum(tf.mul(perAnchor, valid)), anchors),
      gradient: tf.div(tf.mul(tf.sub(denominator.gradient, positives.gradient), valid), anchors),
    };
  });
}
