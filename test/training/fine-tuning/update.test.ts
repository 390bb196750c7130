import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trainingConfigSchema } from '../../../contracts/training.ts';
import { createAverages, startAverages } from '../../../training/averages.ts';
import { capture, eagerExecution } from '../../../training/capture/index.ts';
import { rateShares } from '../../../training/fine-tuned-stages.ts';
import { createLossScale, UpdateOutcome } from '../../../training/optimizers/loss-scale.ts';
import { createOptimizer } from '../../../training/optimizers/optimizer.ts';
import { learningRateAt } from '../../../training/optimizers/schedule.ts';
import { createVariables, type ParameterSpec } from '../../../training/parameters.ts';
import { update } from '../../../training/step.ts';
import { type Scalar, type Tensor, tf } from '../../../training/tensorflow.ts';

/** Two stages of an encoder and a head, updated by given gradients; PyTorch made the weights, TensorFlow their averages. */
type Values = Readonly<Record<string, readonly number[]>>;
const golden = JSON.parse(readFileSync(new URL('../../golden/fine-tuning.json', import.meta.url), 'utf8')) as {
  readonly settings: Readonly<Record<string, number>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly start: Values;
  readonly gradients: readonly Values[];
  readonly steps: Readonly<Record<string, readonly { readonly norm: number; readonly weights: Values }[]>>;
  readonly averages: Readonly<Record<string, readonly Values[]>>;
};
const { settings, shapes } = golden;
const { learningRate, weightDecay, clip = 1, warmupSteps = 0, averageDecay = 0 } = settings;
const names = Object.keys(shapes);
const specs: ParameterSpec[] = names.map((name) => ({
  ...{ name, shape: shapes[name] ?? [], initializer: 'zeros', trainable: true },
  ...(name === 'stage1/token' ? { decays: false } : {}),
}));
const stages = ['stem', 'stage1', 'post'].map((stage) => ({
  name: stage,
  parameters: names.filter((name) => name.startsWith(`${stage}/`)),
}));
const optimizers = {
  adam: { name: 'adam', learningRate, weightDecay, beta1: settings.beta1, beta2: settings.beta2, epsilon: 1e-14 },
  sgd: { name: 'sgd', learningRate, weightDecay, momentum: 0 },
} as const;
const stepsPerEpoch = 2;
const configOf = (optimizer: keyof typeof optimizers) =>
  trainingConfigSchema.parse({
    optimizer: optimizers[optimizer],
    schedule: { name: 'constant', warmupEpochs: warmupSteps / stepsPerEpoch },
    clip: { norm: clip },
    ema: { decay: averageDecay },
    layerDecay: settings.layerDecay,
  });

/** @param scaled whether gradients come multiplied by a loss scale of 2^15, as in float16 */
function open(name: keyof typeof optimizers, engine: typeof capture | typeof eagerExecution, scaled = false) {
  const config = configOf(name);
  const model = {
    optimizer: createOptimizer(config.optimizer, specs, rateShares(stages, config.layerDecay)),
    averages: createAverages(config.ema ?? { decay: 0 }, specs),
    lossScale: scaled ? createLossScale() : null,
  };
  const state = [
    ...specs,
    ...model.optimizer.slots,
    ...model.averages.variables,
    ...(model.lossScale?.variables ?? []),
  ];
  const execution = engine({ variables: createVariables(state, 0), resident: {} });
  execution.write(new Map(names.map((each) => [each, Float32Array.from(golden.start[each] ?? [])])));
  startAverages(model, execution);
  const step = execution.compile(([number, ...given], { variables }) => {
    const gradients = Object.fromEntries(names.map((each, at) => [each, given[at] as Tensor]));
    const changes = { gradients, statistics: {}, afterwards: () => {} };
    const outcome: Scalar[] = update(model, config, stepsPerEpoch, variables, number as Tensor, changes);
    return outcome.length > 0 ? outcome : [tf.clone(number as Tensor)];
  });
  const run = (index: number, of = golden.gradients[index]) =>
    step(
      { dtype: 'int32', shape: [], values: Int32Array.of(index) },
      ...names.map((each) => ({
        ...{ dtype: 'float32' as const, shape: shapes[each] ?? [] },
        values: Float32Array.from(of?.[each] ?? [], (value) => value * (scaled ? 2 ** 15 : 1)),
      })),
    )[0]?.[0];
  const read = (prefix = '') =>
    Object.fromEntries(
      execution.read(names.map((each) => prefix + each)).map((values, at) => [names[at], [...values]]),
    );
  return { run, read, close: execution.dispose };
}

function expectClose(actual: Values, expected: Values | undefined): void {
  for (const name of names)
    expected?.[name]?.forEach((value, at) => {
      expect(actual[name]?.[at], `${name}[${at}]`).toBeCloseTo(value, 5);
    });
}

const engines = { graph: capture, eager: eagerExecution };

describe('an update with clipped gradients, layer-wise learning rates, weight decay and warm-up', () => {
  it('meets gradients that are longer than the limit, and some that are not', () => {
    const norms = golden.steps.adam?.map(({ norm }) => norm > clip);
    expect(norms).toContain(true);
    expect(norms).toContain(false);
  });

  for (const optimizer of ['adam', 'sgd'] as const)
    for (const [engine, execute] of Object.entries(engines))
      it(`gives the weights of PyTorch and the averages of TensorFlow (${optimizer}, ${engine})`, () => {
        const training = open(optimizer, execute);
        golden.gradients.forEach((_, index) => {
          training.run(index);
          expectClose(training.read(), golden.steps[optimizer]?.[index]?.weights);
          expectClose(training.read('ema/'), golden.averages[optimizer]?.[index]);
        });
        training.close();
      });

  it('clips what a loss scale multiplied after it was divided again', () => {
    const training = open('adam', capture, true);
    golden.gradients.forEach((_, index) => {
      expect(training.run(index)).toBe(UpdateOutcome.applied);
      expectClose(training.read(), golden.steps.adam?.[index]?.weights);
      expectClose(training.read('ema/'), golden.averages.adam?.[index]);
    });
    training.close();
  });

  it('leaves averages alone, to the bit, where an update is left out', () => {
    const training = open('adam', capture, true);
    training.run(0);
    const before = [training.read(), training.read('ema/')];
    const infinite = Object.fromEntries(names.map((name) => [name, golden.start[name]?.map(() => Infinity) ?? []]));
    expect(training.run(1, infinite)).toBe(UpdateOutcome.skipped);
    expect([training.read(), training.read('ema/')]).toEqual(before);
    training.close();
  });
});

describe('the learning rate of a stage', () => {
  it('falls by the decay once for each stage after it', () => {
    expect(rateShares(stages, 0.5)).toEqual(
      new Map([
        ['stem/kernel', 0.25],
        ['stage1/token', 0.5],
      ]),
    );
  });

  it('is that of all without a decay', () => expect(rateShares(stages, undefined).size).toBe(0));
});

describe('a constant learning rate', () => {
  const rateAt = (schedule: object, step: number) =>
    learningRateAt(trainingConfigSchema.parse({ schedule }).schedule, 0.8, step, { stepsPerEpoch: 4, epochs: 3 });

  it('is reached evenly over the epochs of warm-up', () => {
    const warm = { name: 'constant', warmupEpochs: 1 };
    expect([0, 1, 2, 3, 4, 11].map((step) => rateAt(warm, step))).toEqual(
      [0.2, 0.4, 0.6, 0.8, 0.8, 0.8].map((rate) => expect.closeTo(rate, 12)),
    );
  });

  it('holds from the first step on without a warm-up', () => expect(rateAt({ name: 'constant' }, 0)).toBe(0.8));
});
