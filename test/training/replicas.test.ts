import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { classifierConfigSchema, type TrainingConfig, trainingConfigSchema } from '../../contracts/training.ts';
import { startAverages } from '../../training/averages.ts';
import { capture } from '../../training/capture/index.ts';
import { compileMicrobatches, microbatchVariables, sessionOfParts } from '../../training/microbatch.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import type { Replicas } from '../../training/replicas.ts';
import { trainingStep } from '../../training/step.ts';
import { labelledImages } from './labelled-images.ts';

/** Parts of a batch that pass side by side, each on a device of its own, which here are parts of one CPU. */
const [count, steps] = [32, 3];
const supcon = (more: object = {}) =>
  trainingConfigSchema.parse({
    encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    ...{ batch: 16, microbatch: 4 },
    ...more,
  });
const crossEntropy = (more: object = {}) => {
  const { encoder, batch, microbatch } = supcon();
  return classifierConfigSchema.parse({ encoder, batch, microbatch, ...more });
};
const configs: Readonly<Record<string, TrainingConfig>> = {
  SupCon: supcon(),
  'SupCon with a queue': supcon({ loss: { supcon: { queue: 48 } } }),
  'SupCon by labels, with small views and a queue': supcon({
    loss: { supcon: { queue: 48, positives: 'share' } },
    multiCrop: { views: 3, size: 8 },
  }),
  'SupCon by classes that were confused': supcon({ sampler: { balanced: { perClass: 4, within: 'confused' } } }),
  'SupCon in bfloat16': supcon({ precision: 'bfloat16' }),
  'SupCon in float16': supcon({ precision: 'float16', optimizer: 'sgd' }),
  'SupCon with averages, clipping and dropped branches': supcon({
    ema: { decay: 0.9 },
    clip: { norm: 0.5 },
    dropPath: 0.3,
  }),
  arcFace: supcon({ loss: 'arcFace' }),
  triplet: supcon({ loss: 'triplet' }),
  'cross-entropy': crossEntropy(),
  'cross-entropy of two views in float16': crossEntropy({ views: 2, precision: 'float16' }),
};
/** TensorFlow's arithmetic optimizer changed the bits of these, by what else was in the graph. */
const optimized = [
  ['mobilenetv3', supcon({ encoder: { name: 'mobilenetv3', size: 'small' }, batch: 8, microbatch: 2 }), 4],
  ['vit', supcon({ encoder: { name: 'vit' }, batch: 8, microbatch: 2 }), 2],
] as const;

const { matrix, data } = labelledImages(count);

const onDevices = (devices: number, parts = devices): Replicas => ({
  count: parts,
  devices: Array.from({ length: parts }, (_, part) => `/device:CPU:${Math.floor((part * devices) / parts)}`),
});
const alone: Replicas = { count: 1, devices: [] };

/** Some steps: their losses, the state after them and its digest. @param replicas null for the whole batch in one part */
function train(config: TrainingConfig, replicas: Replicas | null, side = 12) {
  const { batch, microbatch = batch } = config;
  const model = createTrainingModel(
    config,
    { height: side, width: side, channels: 1, mean: [0.5], deviation: [0.3] },
    3,
    matrix.names.length,
  );
  const sizes = { batch, microbatch, replicas: replicas ?? alone };
  const specs = [...model.state, ...(replicas ? microbatchVariables(model, sizes) : [])];
  const execution = capture(
    { variables: createVariables(specs, 7), resident: { ...data(config, side) } },
    {
      precision: config.precision,
      processor: { device: 'cpu', bfloat16: true },
      ...(replicas ? { session: sessionOfParts(replicas) } : {}),
    },
  );
  startAverages(model, execution);
  const step = replicas
    ? compileMicrobatches(execution, model, config, { ...sizes, stepsPerEpoch: 4 })
    : execution.compile(trainingStep(model, config, 4));
  const losses = Array.from(
    { length: steps },
    (_, at) =>
      step(
        {
          dtype: 'int32',
          shape: [batch],
          values: Int32Array.from({ length: batch }, (_row, row) => (row * 7 + at) % count),
        },
        { dtype: 'int32', shape: [], values: Int32Array.of(at) },
      )[0]?.[0] ?? Number.NaN,
  );
  const state = new Map(
    execution
      .read(model.state.map(({ name }) => name))
      .map((values, at) => [model.state[at]?.name ?? '', values] as const),
  );
  const hash = createHash('sha256');
  for (const values of state.values()) hash.update(values);
  const { devices } = execution.report();
  execution.dispose();
  return { losses, digest: hash.digest('hex'), state, devices };
}

describe('parts that pass side by side', () => {
  for (const [name, config] of Object.entries(configs))
    it(`end with the bits of parts that pass one after the other (${name})`, () => {
      const { losses, digest } = train(config, alone);
      for (const replicas of [2, 4]) expect(train(config, onDevices(replicas))).toMatchObject({ losses, digest });
    });

  for (const [name, config, replicas] of optimized)
    it(`do so where TensorFlow would rewrite what was recorded (${name})`, () => {
      const { losses, digest } = train(config, alone, 32);
      expect(train(config, onDevices(replicas), 32)).toMatchObject({ losses, digest });
    });

  it('are each on the device that the graph names', () => {
    const { devices } = train(configs.SupCon as TrainingConfig, onDevices(4));
    const [first, ...others] = [0, 1, 2, 3].map((at) => devices[`/device:CPU:${at}`] ?? 0);
    expect(first).toBeGreaterThan(100);
    expect(others).toEqual([first, first, first]);
    expect(Object.keys(devices).sort()).toEqual([
      '',
      '/device:CPU:0',
      '/device:CPU:1',
      '/device:CPU:2',
      '/device:CPU:3',
    ]);
  });
});

describe('batch normalisation of all parts together', () => {
  for (const [name, config] of Object.entries({
    SupCon: supcon({ syncBatchNorm: true, optimizer: { name: 'sgd', learningRate: 0.1 } }),
    'SupCon with small views': supcon({
      syncBatchNorm: true,
      multiCrop: { views: 2, size: 8 },
      optimizer: { name: 'sgd', learningRate: 0.1 },
    }),
    'cross-entropy': crossEntropy({ syncBatchNorm: true, optimizer: { name: 'sgd', learningRate: 0.1 } }),
  })) {
    it(`trains as the whole batch does in one part, up to rounding (${name})`, () => {
      const whole = train(config, null);
      const { losses, state } = train(config, onDevices(1, 4));
      const byParts = train({ ...config, syncBatchNorm: false }, alone);
      whole.losses.forEach((loss, at) => {
        expect(Math.abs((losses[at] ?? Number.NaN) / loss - 1)).toBeLessThan(1e-5);
      });
      expect(Math.abs((byParts.losses[0] ?? 0) / (whole.losses[0] ?? 1) - 1)).toBeGreaterThan(1e-4);
      for (const [variable, values] of whole.state) {
        const size = Math.max(0.1, ...values.map(Math.abs));
        values.forEach((value, at) => {
          expect(Math.abs((state.get(variable)?.[at] ?? Number.NaN) - value) / size, variable).toBeLessThan(1e-4);
        });
      }
    });

    it(`has the same bits on any number of devices (${name})`, () => {
      const { losses, digest } = train(config, onDevices(1, 4));
      for (const replicas of [2, 4]) expect(train(config, onDevices(replicas, 4))).toMatchObject({ losses, digest });
    });
  }
});
