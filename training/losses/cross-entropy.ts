import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';

/**
 * Mean cross-entropy of softmax classes, with its gradient in closed form: (softmax - target) / rows.
 *
 * @param logits float32 [rows, classes]
 * @param labels int32 [rows]
 * @param smoothing share of each target that is spread evenly over all classes (arXiv:1512.00567, section 7)
 * @returns float32 scalar, differentiable in `logits`
 */
export function softmaxCrossEntropy(logits: Tensor2D, labels: Tensor1D, smoothing = 0): Scalar {
  return tf.tidy(() => {
    const [rows, classes] = logits.shape;
    const index = tf.expandDims(tf.range(0, classes, 1, 'int32'), 0);
    const hit = tf.cast(tf.equal(tf.expandDims(labels, 1), index), 'float32');
    const target = tf.add(tf.mul(hit, 1 - smoothing), smoothing / classes);
    const evaluate = tf.customGrad((...operands) => {
      const [values, save] = operands as [Tensor, (saved: Tensor[]) => void];
      const shifted = tf.sub(values, tf.max(values, 1, true));
      const exponentials = tf.exp(shifted);
      const sum = tf.sum(exponentials, 1, true);
      const perRow = tf.sub(tf.log(sum), tf.sum(tf.mul(target, shifted), 1, true));
      save([tf.div(tf.sub(tf.div(exponentials, sum), target), rows)]);
      return {
        value: tf.div(tf.sum(perRow), rows),
        gradFunc: (dy: Tensor, saved: Tensor[]) => [tf.mul(dy, saved[0] as Tensor)],
      };
    });
    return evaluate(logits) as Scalar;
  });
}
