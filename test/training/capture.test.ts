import { describe, expect, it } from 'vitest';
import { residentMebibytes } from '../../bench/memory-use.ts';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { capture, type Execution, eagerExecution, type Step, type StepState } from '../../training/capture/index.ts';
import { createTrainingModel } from '../../training/model.ts';
import { pad } from '../../training/models/layers.ts';
import { gatherRows, relu, statelessUniform } from '../../training/ops.ts';
import { createVariables } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { trainingStep } from '../../training/step.ts';
import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tf,
  type Variable,
} from '../../training/tensorflow.ts';

const floats = (...values: number[]) =>
  ({ dtype: 'float32', shape: [values.length], values: Float32Array.from(values) }) as const;
const float = (value: number) => ({ dtype: 'float32', shape: [], values: Float32Array.of(value) }) as const;
const integer = (value: number) => ({ dtype: 'int32', shape: [], values: Int32Array.of(value) }) as const;

const oneVariable = (...values: number[]): StepState => ({
  variables: new Map([['w', tf.variable(tf.tensor1d(values))]]),
  resident: {},
});
const w = (state: StepState) => state.variables.get('w') as Variable;

describe('capture', () => {
  it('runs what the step did, on new inputs, and keeps its updates', () => {
    const graph = capture(oneVariable(1, 2));
    const step = graph.compile(([x], state) => {
      w(state).assign(tf.add(w(state), x as Tensor));
      return [tf.sum(w(state))];
    });
    expect(step(floats(10, 20))).toEqual([Float32Array.of(33)]);
    expect(step(floats(1, 1))).toEqual([Float32Array.of(35)]);
    expect(graph.read(['w'])).toEqual([Float32Array.of(12, 23)]);
    graph.dispose();
  });

  it('captures again for inputs of another shape, up to the limit, over the same variables', () => {
    const graph = capture(oneVariable(0), { maximumShapes: 2 });
    const step = graph.compile(([x], state) => {
      w(state).assign(tf.add(w(state), tf.sum(x as Tensor)) as Tensor1D);
      return [w(state)];
    });
    expect(step(floats(1))).toEqual([Float32Array.of(1)]);
    expect(step(floats(1, 2))).toEqual([Float32Array.of(4)]);
    expect(step(floats(5))).toEqual([Float32Array.of(9)]);
    expect(graph.report().traces).toBe(2);
    expect(() => step(floats(1, 2, 3))).toThrow(
      /captured for 2 shapes .*float32\[1\]; float32\[2\].*now gets float32\[3\]/,
    );
    expect(step(floats(1))).toEqual([Float32Array.of(10)]);
    graph.dispose();
  });

  it('shares constants and drops what no output needs', () => {
    const graph = capture(oneVariable(1));
    const small = graph.report().nodes;
    const step = graph.compile(([x]) => {
      tf.exp(x as Tensor);
      const bias = () => tf.tensor1d([1, 2, 3, 4]);
      return [tf.add(tf.mul(x as Tensor, bias()), tf.mul(x as Tensor, bias()))];
    });
    expect(step(floats(1, 1, 1, 1))).toEqual([Float32Array.of(2, 4, 6, 8)]);
    // Placeholder, one constant, one product, one sum, one output.
    expect(graph.report().nodes - small).toBe(5);
    graph.dispose();
  });

  it('stores a tensor of equal values as one', () => {
    const graph = capture(oneVariable(1));
    const step = graph.compile(([x]) => [tf.sum(tf.mul(tf.ones([1000, 1000]), x as Tensor))]);
    expect(step(float(2))[0]?.[0]).toBe(2e6);
    expect(graph.report().bytes).toBeLessThan(3000);
    graph.dispose();
  });

  it('draws anew at each step number, and the same again for the same one', () => {
    const graph = capture(oneVariable(1));
    const step = graph.compile(([number]) => [
      statelessUniform([4], tf.stack([tf.scalar(7, 'int32'), number as Tensor]) as Tensor1D),
    ]);
    const [first, second, again] = [step(integer(1)), step(integer(2)), step(integer(1))];
    expect(again).toEqual(first);
    expect(second).not.toEqual(first);
    graph.dispose();
  });

  const refusals: [string, RegExp, Step][] = [
    ['a value read in the middle', /reads a value of a tensor in JavaScript/, ([x]) => [tf.scalar(sumOf(x))]],
    ['a random draw in JavaScript', /random numbers in JavaScript/, () => [tf.randomUniform([2])]],
    ['a variable created inside', /creates 1 variable/, ([x]) => [tf.variable(x as Tensor)]],
    ['a draw from a hidden state', /hidden state/, ([x]) => [tf.multinomial(x as Tensor1D, 1, 3)]],
    [
      'a variable that is not in the state',
      /reads variable stranger, which is not part of its state/,
      ([x]) => [tf.mul(stranger(), x as Tensor)],
    ],
  ];
  const sumOf = (x: Tensor | undefined) => (x as Tensor).dataSync()[0] ?? 0;
  let outsider: Variable | undefined;
  const stranger = () => {
    outsider ??= tf.variable(tf.scalar(1), false, 'stranger');
    return outsider;
  };

  it.each(refusals)('refuses %s, and leaves the variables as they were', (_, message, inner) => {
    stranger();
    const graph = capture(oneVariable(1, 2));
    const step = graph.compile((inputs, state) => {
      w(state).assign(tf.mul(w(state), 2));
      return inner(inputs, state);
    });
    expect(() => step(floats(1, 2))).toThrow(message);
    expect(graph.read(['w'])).toEqual([Float32Array.of(1, 2)]);
    expect(Math.random()).toBeLessThan(1);
    graph.dispose();
  });

  it('needs the memory of a few large results while it records, not of all', () => {
    const [megabytes, layers] = [8, 100];
    const graph = capture(oneVariable(1));
    const step = graph.compile(([x], state) => {
      let y = tf.mul(tf.ones([megabytes, 512, 512]), x as Tensor);
      for (let layer = 0; layer < layers; layer++) y = tf.add(y, w(state));
      return [tf.max(y)];
    });
    const before = residentMebibytes('now');
    expect(step(float(2))).toEqual([Float32Array.of(2 + layers)]);
    expect(residentMebibytes('now') - before).toBeLessThan((layers * megabytes) / 4);
    graph.dispose();
  });

  it("records with the step's own values where others are refused", () => {
    const graph = capture(oneVariable(1));
    const step = graph.compile(([x]) => {
      // Both are of one shape; what is in the first is no index into the second.
      const far = tf.mul(tf.ones([1 << 19]), 1e6);
      const table = tf.add(tf.mul(tf.zerosLike(far), x as Tensor), 3) as Tensor1D;
      const rows = tf.cast(tf.sub(table, 3), 'int32') as Tensor1D;
      return [tf.add(tf.sum(gatherRows(table, rows)), tf.min(far))];
    });
    expect(step(float(2))).toEqual([Float32Array.of(3 * (1 << 19) + 1e6)]);
    graph.dispose();
  });

  it('gathers from a resident tensor that does not become part of the graph', () => {
    const rows = 50_000;
    const values = tf.tensor1d(
      Int32Array.from({ length: rows }, (_, row) => row * 3),
      'int32',
    );
    const graph = capture({ variables: new Map(), resident: { values } });
    const step = graph.compile(([index], { resident }) => [gatherRows(resident.values as Tensor, index as Tensor1D)]);
    expect(step({ dtype: 'int32', shape: [2], values: Int32Array.of(1, 40_000) })).toEqual([Int32Array.of(3, 120_000)]);
    expect(graph.report().bytes).toBeLessThan(5000);
    graph.dispose();
  });
});

const count = 64;
const images = Uint8Array.from({ length: count * 16 * 16 * 3 }, (_, at) => Math.imul(at, 2654435761) >>> 24);
const labels = Int32Array.from({ length: count }, (_, row) => row % 4);

function train(changes: object, execute: (state: StepState) => Execution, steps: number) {
  const config = trainingConfigSchema.parse({
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    projection: { hidden: 32, output: 16 },
    batch: 16,
    schedule: { name: 'cosine', warmupEpochs: 1 },
    epochs: 5,
    ...changes,
  });
  const format = { height: 16, width: 16, channels: 3, mean: [0.5, 0.5, 0.5], deviation: [0.3, 0.3, 0.3] };
  const model = createTrainingModel(config, format, 4);
  const split = { images, labels, count, height: 16, width: 16, channels: 3 } as const;
  const execution = execute({
    variables: createVariables(model.state, 7),
    resident: { ...residentImages(split) },
  });
  const step = execution.compile(trainingStep(model, config, 4));
  const losses = Array.from({ length: steps }, (_, index) => {
    const rows = Int32Array.from({ length: 16 }, (_, row) => (index * 16 + row * 3) % count);
    return step({ dtype: 'int32', shape: [16], values: rows }, integer(index))[0]?.[0] ?? Number.NaN;
  });
  const names = model.state.map(({ name }) => name);
  const state = execution.read(names);
  execution.dispose();
  return { losses, names, state };
}

describe('a captured training', () => {
  // Adam divides by the size of the gradient, so where the true gradient is 0 rounding decides the sign of a step. A larger
  // epsilon lets such a step vanish and leaves the comparison to the arithmetic.
  const adam = { name: 'adam', learningRate: 0.0001, epsilon: 1e-3 };
  it.each([
    ['Adam', { optimizer: adam }],
    ['AdamW', { optimizer: { ...adam, weightDecay: 0.05 } }],
    ['SGD', { optimizer: { name: 'sgd', learningRate: 0.01, momentum: 0 } }],
    // Momentum makes steps ten times as long.
    ['momentum and weight decay', { optimizer: { name: 'sgd', learningRate: 0.001, weightDecay: 0.01 } }],
    ['Nesterov', { optimizer: { name: 'sgd', learningRate: 0.001, nesterov: true } }],
    ['a queue of projections', { optimizer: adam, loss: { supcon: { queue: 50 } } }],
    ['SimCLR views', { optimizer: adam, augmentation: 'simclr' }],
    ['a scaled loss', { optimizer: adam, loss: { supcon: { temperature: 0.1, scale: 'base' } } }],
    ['two stages of two blocks', { optimizer: adam, encoder: { name: 'small-resnet', channels: 8, blocks: [2, 2] } }],
  ])('agrees with the operations one by one over 20 steps: %s', (_, changes) => expectAgreement(changes, 20));

  it.each([
    ['SupCon, L_in with hard negatives', { optimizer: adam, loss: { supcon: { variant: 'in', hardNegatives: {} } } }],
    ['N-pairs without a head', { optimizer: adam, loss: 'nPairs', projection: 'none' }],
    ['normalised softmax', { optimizer: adam, loss: 'normalisedSoftmax' }],
    ['ArcFace behind one layer', { optimizer: adam, loss: 'arcFace', projection: 'linear' }],
    ['triplets', { optimizer: adam, loss: 'triplet' }],
    ['triplets with a soft margin', { optimizer: adam, loss: { triplet: { margin: 'soft' } } }],
    ['multi-similarity', { optimizer: adam, loss: 'multiSimilarity' }],
  ])('agrees with the operations one by one, whatever the loss: %s', (_, changes) => expectAgreement(changes, 5));

  function expectAgreement(changes: object, steps: number) {
    const eager = train(changes, eagerExecution, steps);
    const captured = train(changes, capture, steps);
    eager.losses.forEach((loss, index) => {
      expect(Math.abs((captured.losses[index] ?? 0) - loss) / loss).toBeLessThan(1e-5);
    });
    const differences = (kind: 'slots' | 'variables') =>
      eager.state.flatMap((values, index) => {
        if (eager.names[index]?.startsWith('optimizer/') !== (kind === 'slots')) return [];
        return Array.from(values, (value, at) => Math.abs(value - (captured.state[index]?.[at] ?? Number.NaN)));
      });
    const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);
    expect(largest(differences('variables'))).toBeLessThan(1e-4);
    expect(largest(differences('slots'))).toBeLessThan(1e-3);
  }

  it('agrees for ResNet50V2', () => {
    const changes = { encoder: { name: 'resnet50v2', stem: 'cifar' }, optimizer: { ...adam, learningRate: 1e-5 } };
    const [eager, captured] = [train(changes, eagerExecution, 2), train(changes, capture, 2)];
    eager.losses.forEach((loss, index) => {
      expect(Math.abs((captured.losses[index] ?? 0) - loss) / loss).toBeLessThan(1e-4);
    });
  });

  it('gives the same bits every time', () => {
    expect(train({}, capture, 5)).toEqual(train({}, capture, 5));
  });

  it('learns in bfloat16 much as in float32', () => {
    // On a machine where it does not pay it would not be used.
    const processor = { device: 'gpu', bfloat16: true } as const;
    const reduced = train({}, (state) => capture(state, { precision: 'bfloat16', processor }), 10);
    const full = train({}, capture, 10);
    expect(reduced.losses).not.toEqual(full.losses);
    reduced.losses.forEach((loss, index) => {
      expect(Math.abs(loss - (full.losses[index] ?? 0))).toBeLessThan(0.05 * loss);
    });
  });

  it('casts nothing between convolutions: sums, pads, pools and rectifiers stay in bfloat16, there and back', () => {
    const kernels = ['a', 'b', 'c'].map((name) => [name, tf.variable(tf.ones([3, 3, 2, 2]))] as const);
    const graph = capture(
      { variables: new Map(kernels), resident: {} },
      { precision: 'bfloat16', processor: { device: 'gpu', bfloat16: true } },
    );
    const step = graph.compile(([images], { variables }) => {
      const [a, b, c] = [...variables.values()] as unknown as [Tensor4D, Tensor4D, Tensor4D];
      const { value, grads } = tf.variableGrads(() => {
        const x = tf.conv2d(images as Tensor4D, a, 1, 'same');
        const sum = tf.add(x, tf.conv2d(relu(x), b, 1, 'same')) as Tensor4D;
        return tf.mean(tf.conv2d(tf.maxPool(pad(sum, 1), 2, 2, 'valid'), c, 1, 'valid')) as Scalar;
      }, [...variables.values()]);
      return [value, ...Object.values(grads)];
    });
    step({ dtype: 'float32', shape: [1, 8, 8, 2], values: Float32Array.from({ length: 128 }, (_, at) => at % 7) });
    const names =
      Buffer.from(graph.savedModel())
        .toString('latin1')
        .match(/\w+_as\d+/g) ?? [];
    // In go the images, three kernels, the constant around the pad, and the gradient; out come the result and three gradients.
    expect([...new Set(names)]).toHaveLength(10);
    graph.dispose();
  });

  it('is the float32 one, to the bit, where bfloat16 does not pay', () => {
    const processor = { device: 'cpu', bfloat16: false } as const;
    const changes = { loss: { supcon: { queue: 50 } } };
    const asked = train(changes, (state) => capture(state, { precision: 'bfloat16', processor }), 3);
    expect(asked).toEqual(train(changes, capture, 3));
  });
});
