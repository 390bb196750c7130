import { describe, expect, it } from 'vitest';
import { capture, recording, type StepState } from '../../training/capture/index.ts';
import { type Tensor, tf, type Variable } from '../../training/tensorflow.ts';

const float = (value: number) => ({ dtype: 'float32', shape: [], values: Float32Array.of(value) }) as const;
const T = { kind: 'type', value: 1 } as const;

const state = (values: Readonly<Record<string, number>>): StepState => ({
  variables: new Map(Object.entries(values).map(([name, value]) => [name, tf.variable(tf.scalar(value))])),
  resident: {},
});
const of = ({ variables }: StepState, name: string) => variables.get(name) as Variable;

describe('a conditional update', () => {
  it('runs fused operations and assignments where the condition holds, and leaves every variable alone where not', () => {
    const graph = capture(state({ fused: 10, assigned: 20, before: 0, after: 0 }));
    const step = graph.compile(([x], current) => {
      const [fused, assigned, before, after] = ['fused', 'assigned', 'before', 'after'].map((name) =>
        of(current, name),
      ) as [Variable, Variable, Variable, Variable];
      before.assign(tf.add(before, 1));
      recording()?.when(tf.greater(x as Tensor, 0), () => {
        recording()?.update('ResourceApplyGradientDescent', [fused, tf.scalar(1), x as Tensor], { T });
        // Reads what the fused operation left.
        assigned.assign(tf.add(assigned, fused));
        before.assign(tf.add(before, 100));
      });
      after.assign(tf.add(fused, assigned));
      return [tf.add(after, 0)];
    });
    const read = () => graph.read(['fused', 'assigned', 'before', 'after']).map(([value]) => value);
    expect(step(float(-1))).toEqual([Float32Array.of(30)]);
    expect(read()).toEqual([10, 20, 1, 30]);
    expect(step(float(2))).toEqual([Float32Array.of(36)]);
    expect(read()).toEqual([8, 28, 102, 36]);
    expect(step(float(-5))).toEqual([Float32Array.of(36)]);
    expect(read()).toEqual([8, 28, 103, 36]);
    graph.dispose();
  });

  it('gives the tensor that was assigned, not the variable, to whoever asks for the tensor', () => {
    const graph = capture(state({ w: 1 }));
    const step = graph.compile(([x], current) => {
      const doubled = tf.mul(x as Tensor, 2);
      recording()?.when(tf.greater(x as Tensor, 0), () => {
        of(current, 'w').assign(doubled);
      });
      return [tf.add(doubled, 0), tf.add(of(current, 'w'), 0)];
    });
    expect(step(float(-3))).toEqual([Float32Array.of(-6), Float32Array.of(1)]);
    expect(step(float(3))).toEqual([Float32Array.of(6), Float32Array.of(6)]);
    graph.dispose();
  });

  it('is refused inside another one', () => {
    const graph = capture(state({ w: 1 }));
    const step = graph.compile(([x]) => {
      const positive = tf.greater(x as Tensor, 0);
      recording()?.when(positive, () => recording()?.when(positive, () => {}));
      return [x as Tensor];
    });
    expect(() => step(float(1))).toThrow(/inside another one/);
    graph.dispose();
  });
});
