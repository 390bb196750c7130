import { describe, expect, it } from 'vitest';
import { capture, type Recorder, recording, type StepState, sessionDevices } from '../../training/capture/index.ts';
import { type Tensor, tf, type Variable } from '../../training/tensorflow.ts';

/** What a step may ask of its capture besides updates: devices, and values that it computes later. */
const floats = (...values: number[]) =>
  ({ dtype: 'float32', shape: [values.length], values: Float32Array.from(values) }) as const;
const oneVariable = (...values: number[]): StepState => ({
  variables: new Map([['w', tf.variable(tf.tensor1d(values))]]),
  resident: {},
});
const w = (state: StepState) => state.variables.get('w') as Variable;
const asked = () => recording() as Recorder;

/** Doubles its input on a device, and adds it to the variable. */
const doubledOn = (device: string) => {
  let doubled: Tensor | undefined;
  return ([x]: readonly Tensor[], state: StepState) => {
    asked().onDevice(device, () => {
      doubled = tf.mul(x as Tensor, 2);
    });
    w(state).assign(tf.add(w(state), doubled as Tensor));
    return [tf.sum(w(state))];
  };
};

describe('the devices of a graph', () => {
  it('are those of its session', () => {
    expect(sessionDevices({ cpus: 3 })).toEqual(['/device:CPU:0', '/device:CPU:1', '/device:CPU:2']);
    // Settings hold for the session that is opened with them, and for no later one.
    expect(sessionDevices({})).toEqual(['/device:CPU:0']);
  });

  it('compute what is named for them, and nothing else', () => {
    const graph = capture(oneVariable(1, 2), { session: { cpus: 2 } });
    const step = graph.compile(doubledOn('/device:CPU:1'));
    expect(step(floats(10, 20))).toEqual([Float32Array.of(63)]);
    const { devices } = graph.report();
    // The product, and the constant that it multiplies by.
    expect(devices['/device:CPU:1']).toBe(2);
    graph.dispose();
  });

  it('are refused by a session that does not have them', () => {
    const graph = capture(oneVariable(1, 2));
    const step = graph.compile(doubledOn('/device:CPU:1'));
    expect(() => step(floats(10, 20))).toThrow(/Cannot assign a device.*CPU:1|CPU:1.*available devices/s);
    graph.dispose();
  });

  it('keep like operations apart', () => {
    const graph = capture(oneVariable(0, 0), { session: { cpus: 2 } });
    const step = graph.compile(([x]) => {
      const made: Tensor[] = [];
      for (const device of ['/device:CPU:0', '/device:CPU:1', '/device:CPU:1'])
        asked().onDevice(device, () => made.push(tf.square(x as Tensor)));
      return [tf.addN(made)];
    });
    expect(step(floats(2, 3))).toEqual([Float32Array.of(12, 27)]);
    expect(graph.report().devices).toMatchObject({ '/device:CPU:0': 1, '/device:CPU:1': 1 });
    graph.dispose();
  });
});

describe('a value that is computed later', () => {
  it('is used before it is there', () => {
    const graph = capture(oneVariable(0));
    const step = graph.compile(([x]) => {
      const { value, is } = asked().later([2]);
      const sum = tf.add(value, x as Tensor);
      is(tf.mul(x as Tensor, 10));
      return [sum, value];
    });
    expect(step(floats(1, 2))).toEqual([Float32Array.of(11, 22), Float32Array.of(10, 20)]);
    expect(step(floats(3, 0))).toEqual([Float32Array.of(33, 0), Float32Array.of(30, 0)]);
    graph.dispose();
  });

  it('may be another one', () => {
    const graph = capture(oneVariable(0));
    const step = graph.compile(([x]) => {
      const [first, second] = [asked().later([1]), asked().later([1])];
      first.is(second.value);
      const negative = tf.neg(first.value);
      second.is(tf.square(x as Tensor));
      return [negative];
    });
    expect(step(floats(3))).toEqual([Float32Array.of(-9)]);
    graph.dispose();
  });

  it('has to be computed, and not from itself', () => {
    const graph = capture(oneVariable(0));
    const never = graph.compile(([x]) => [tf.add(asked().later([1]).value, x as Tensor)]);
    expect(() => never(floats(1))).toThrow('The step uses a value that it promised and did not compute.');
    const circular = graph.compile(([x]) => {
      const { value, is } = asked().later([1]);
      const sum = tf.add(value, x as Tensor);
      is(tf.neg(sum));
      return [sum];
    });
    expect(() => circular(floats(1))).toThrow('The step promised a value that it can only compute from itself.');
    graph.dispose();
  });
});
