import { describe, expect, it } from 'vitest';
import { softmaxCrossEntropy } from '../../training/losses/cross-entropy.ts';
import { type Scalar, type Tensor, type Tensor2D, tf } from '../../training/tensorflow.ts';

/** Softmax and cross-entropy in float64, written out. */
function inDouble(logits: readonly (readonly number[])[], labels: readonly number[], smoothing: number) {
  const rows = logits.length;
  let loss = 0;
  const gradient = logits.map((row, index) => {
    const largest = Math.max(...row);
    const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
    return row.map((value, at) => {
      const target = (at === labels[index] ? 1 - smoothing : 0) + smoothing / row.length;
      const probability = Math.exp(value - largest) / sum;
      loss -= (target * Math.log(probability)) / rows;
      return (probability - target) / rows;
    });
  });
  return { loss, gradient: gradient.flat() };
}

describe('softmax cross-entropy', () => {
  const logits = Array.from({ length: 7 }, (_, row) =>
    Array.from({ length: 5 }, (_column, at) => Math.sin(row * 5 + at) * 4),
  );
  const labels = [0, 1, 2, 3, 4, 0, 2];

  for (const smoothing of [0, 0.1])
    it(`has the value and gradient of its definition, label smoothing ${smoothing}`, () => {
      const expected = inDouble(logits, labels, smoothing);
      const { value, grad } = tf.valueAndGrad(
        (x: Tensor) => softmaxCrossEntropy(x as Tensor2D, tf.tensor1d(labels, 'int32'), smoothing) as Scalar,
      )(tf.tensor2d(logits));
      expect(value.dataSync()[0]).toBeCloseTo(expected.loss, 5);
      grad.dataSync().forEach((each, at) => {
        expect(each).toBeCloseTo(expected.gradient[at] ?? Number.NaN, 6);
      });
    });

  it('stays finite where a logit is large', () => {
    const value = softmaxCrossEntropy(tf.tensor2d([[1000, -1000]]), tf.tensor1d([1], 'int32'));
    expect(value.dataSync()[0]).toBe(2000);
  });
});
