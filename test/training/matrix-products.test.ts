import { describe, expect, it } from 'vitest';
import { capture, type Execution, eagerExecution, type Step, type StepState } from '../../training/capture/index.ts';
import { type Tensor4D, tf } from '../../training/tensorflow.ts';

/** A convolution, its value and both gradients, captured and operation by operation. */
function compare(shape: [number, number, number, number], kernel: [number, number, number, number], strides = 1) {
  const values = (size: number) => Float32Array.from({ length: size }, (_, at) => Math.sin(at * 1.7));
  const size = (of: readonly number[]) => of.reduce((a, b) => a * b, 1);
  const step: Step = ([images], { variables }) => {
    const weights = variables.get('weights') as unknown as Tensor4D;
    const { value, grads } = tf.valueAndGrads((x, w) =>
      tf.sum(tf.square(tf.conv2d(x as Tensor4D, w as Tensor4D, strides, 'same'))),
    )([images as Tensor4D, weights]);
    return [value, ...grads];
  };
  const input = { dtype: 'float32', shape, values: values(size(shape)) } as const;
  const state = (): StepState => {
    const weights = tf.tidy(() => tf.variable(tf.tensor(values(size(kernel)), kernel)));
    return { variables: new Map([['weights', weights]]), resident: {} };
  };
  const run = (execution: Execution) =>
    execution
      .compile(step)(input)
      .map((output) => [...output]);
  const captured = capture(state());
  const eager = eagerExecution(state());
  const outputs = { captured: run(captured), eager: run(eager) };
  const convolutions = new TextDecoder('latin1').decode(captured.savedModel()).match(/Conv2D/g)?.length ?? 0;
  captured.dispose();
  eager.dispose();
  return { ...outputs, convolutions };
}

describe('a convolution that is a matrix product', () => {
  it.each([
    ['a kernel of one pixel', [3, 4, 5, 6], [1, 1, 6, 7]],
    ['maps of one pixel, whose kernel only meets them with its centre', [5, 1, 1, 6], [3, 3, 6, 7]],
  ] as const)('is captured as one: %s', (_, shape, kernel) => {
    const { captured, eager, convolutions } = compare([...shape], [...kernel]);
    expect(convolutions).toBe(0);
    for (const [index, values] of eager.entries()) {
      const most = Math.max(...values.map(Math.abs));
      for (const [at, value] of values.entries())
        expect(Math.abs((captured[index]?.[at] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-5 * most);
    }
  });

  it.each([
    ['a kernel of several pixels', [3, 4, 5, 6], [3, 3, 6, 7], 1],
    ['strides', [3, 4, 4, 6], [1, 1, 6, 7], 2],
  ] as const)('is not taken for one: %s', (_, shape, kernel, strides) => {
    expect(compare([...shape], [...kernel], strides).convolutions).toBeGreaterThan(0);
  });
});
