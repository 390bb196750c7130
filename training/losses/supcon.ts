import type { LossConfig } from '../../contracts/training.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';
import type { QueueContents } from './projection-queue.ts';

/** Below any similarity that float32 can hold: it is never the largest of its row, and its exponential is 0. */
const masked = -3e38;

/** Scale of the published code: the loss times temperature / 0.07 (HobbitLong/SupContrast). */
export const baseTemperature = 0.07;

/**
 * Supervised contrastive loss, L_out: equation 2 of arXiv:2004.11362.
 *
 * Every row is an anchor; its positives are the other rows of its class; all other rows are in the denominator.
 * Anchors without a positive are left out of the mean; with none at all the loss and its gradient are 0.
 * The diagonal is masked before the maximum is taken, which keeps small temperatures finite in float32.
 *
 * @param projections float32 [rows, dimension], unnormalised
 * @param labels int32 [rows] or [rows, 1]: the class of each row (labels repeated per view)
 * @param queue earlier projections to contrast with as well, without a gradient
 * @returns float32 scalar, differentiable in `projections`
 */
export function supconLoss(
  projections: Tensor2D,
  labels: Tensor1D | Tensor2D,
  config: Pick<LossConfig['supcon'], 'temperature' | 'scale'>,
  queue?: QueueContents,
): Scalar {
  return tf.tidy(() => {
    const { temperature, scale } = config;
    const unit = normalised(projections);
    const anchors = tf.reshape(labels, [-1]) as Tensor1D;
    const against = queue ? (tf.concat([unit, queue.projections]) as Tensor2D) : unit;
    const classes = queue ? (tf.concat([anchors, queue.labels]) as Tensor1D) : anchors;
    const similarities = tf.div(tf.matMul(unit, against, false, true), temperature) as Tensor2D;
    const loss = contrast(similarities, anchors, classes);
    if (scale === 'none') return loss;
    return tf.mul(loss, scale === 'temperature' ? temperature : temperature / baseTemperature) as Scalar;
  });
}

/** Rows of length 1: z / sqrt(max(sum z^2, 1e-12)). */
export function normalised(projections: Tensor2D): Tensor2D {
  const squared = tf.maximum(tf.sum(tf.square(projections), 1, true), 1e-12);
  return tf.mul(projections, tf.rsqrt(squared)) as Tensor2D;
}

/**
 * Mean over the anchors with a positive of logsumexp_{a != i}(s_ia) - mean_{p in P(i)} s_ip, with its gradient in closed
 * form: (softmax_{a != i}(s_ia) - [a in P(i)] / |P(i)|) / anchors.
 *
 * @param similarities [rows, columns]; the first `rows` columns are the rows themselves
 * @param classes of the columns; -1 for a column that is not there
 */
function contrast(similarities: Tensor2D, labels: Tensor1D, classes: Tensor1D): Scalar {
  const [rows, columns] = [labels.shape[0], classes.shape[0]];
  const index = (count: number) => tf.range(0, count, 1, 'int32');
  const self = tf.cast(
    tf.equal(tf.expandDims(index(rows), 1), tf.expandDims(index(columns), 0)),
    'float32',
  ) as Tensor2D;
  const excluded = rows === columns ? self : tf.add(self, tf.expandDims(tf.cast(tf.less(classes, 0), 'float32'), 0));
  const sameClass = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(classes, 0)), 'float32');
  const positive = tf.sub(sameClass, self);
  const positives = tf.sum(positive, 1, true);
  const valid = tf.cast(tf.greater(positives, 0), 'float32');
  const anchors = tf.maximum(tf.sum(valid), 1);
  const target = tf.div(positive, tf.maximum(positives, 1));
  const mask = tf.mul(excluded, masked);

  const evaluate = tf.customGrad((...operands) => {
    const [s, save] = operands as [Tensor, (saved: Tensor[]) => void];
    const others = tf.add(tf.mul(s, tf.sub(1, excluded)), mask);
    const largest = tf.max(others, 1, true);
    const exponentials = tf.exp(tf.sub(others, largest));
    const sum = tf.sum(exponentials, 1, true);
    const logSumExp = tf.add(tf.log(sum), largest);
    const perAnchor = tf.sub(logSumExp, tf.sum(tf.mul(target, s), 1, true));
    const gradient = tf.div(tf.mul(tf.sub(tf.div(exponentials, sum), target), valid), anchors);
    save([gradient]);
    return {
      value: tf.div(tf.sum(tf.mul(perAnchor, valid)), anchors),
      gradFunc: (dy: Tensor, saved: Tensor[]) => [tf.mul(dy, saved[0] as Tensor)],
    };
  });
  return evaluate(similarities) as Scalar;
}

/** The loss of collapsed projections, all equal: ln(rows - 1). Its gradient is 0, so training cannot leave it. */
export const collapsedLoss = (rows: number): number => Math.log(rows - 1);
