import { describe, expect, it } from 'vitest';
import { classifierConfigSchema, type TrainingConfig, trainingConfigSchema } from '../../contracts/training.ts';
import { drawsOfGroup, repeatViews, viewsOf } from '../../training/augmentation/view-groups.ts';
import { capture, eagerExecution } from '../../training/capture/index.ts';
import { compileMicrobatches, microbatchVariables } from '../../training/microbatch.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables, variable } from '../../training/parameters.ts';
import { gatherBatch, trainingStep } from '../../training/step.ts';
import { type Scalar, type Tensor, type Tensor2D, tf } from '../../training/tensorflow.ts';
import { labelledImages } from './labelled-images.ts';

/** A batch in parts has the gradient of the whole batch, through a network whose batch normalisation sees the parts. */
const [batch, microbatch, count, side] = [16, 4, 32, 12];
const format = { height: side, width: side, channels: 1, mean: [0.5], deviation: [0.3] };
const common = {
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0 },
  batch,
  microbatch,
};
const configs: Readonly<Record<string, TrainingConfig>> = {
  SupCon: trainingConfigSchema.parse({ ...common, projection: { hidden: 16, output: 8 } }),
  'SupCon with a queue': trainingConfigSchema.parse({
    ...common,
    projection: { hidden: 16, output: 8 },
    loss: { supcon: { queue: 48 } },
  }),
  'SupCon with small views and a queue': trainingConfigSchema.parse({
    ...common,
    projection: { hidden: 16, output: 8 },
    loss: { supcon: { queue: 48 } },
    multiCrop: { views: 3, size: 8 },
  }),
  'SupCon by labels, with small views and a queue': trainingConfigSchema.parse({
    ...common,
    projection: { hidden: 16, output: 8 },
    loss: { supcon: { queue: 48, positives: 'share' } },
    multiCrop: { views: 3, size: 8 },
  }),
  ...Object.fromEntries(
    ['arcFace', 'triplet', 'multiSimilarity'].map((loss) => [
      loss,
      trainingConfigSchema.parse({ ...common, projection: { hidden: 16, output: 8 }, loss }),
    ]),
  ),
  'normalised softmax with small views, without a head': trainingConfigSchema.parse({
    ...common,
    projection: 'none',
    loss: 'normalisedSoftmax',
    multiCrop: { views: 3, size: 8 },
  }),
  'cross-entropy': classifierConfigSchema.parse(common),
  'cross-entropy of two views': classifierConfigSchema.parse({ ...common, views: 2 }),
};

const { matrix, data } = labelledImages(count);
const modelOf = (config: TrainingConfig) => createTrainingModel(config, format, 3, matrix.names.length);
const rows = Int32Array.from({ length: batch }, (_, row) => (row * 7) % count);
const inputs = (step: number) =>
  [
    { dtype: 'int32', shape: [batch], values: rows },
    { dtype: 'int32', shape: [], values: Int32Array.of(step) },
  ] as const;

function open(config: TrainingConfig, engine: typeof capture | typeof eagerExecution) {
  const model = modelOf(config);
  const specs = [...model.state, ...microbatchVariables(model, { batch, microbatch })];
  const execution = engine({ variables: createVariables(specs, 7), resident: { ...data(config, side) } });
  const step = compileMicrobatches(execution, model, config, { batch, microbatch, stepsPerEpoch: 4 });
  return { model, execution, step };
}

/** The loss of a step, and each trainable parameter after it, from one gradient through all parts at once. */
function inOneGradient(config: TrainingConfig) {
  const model = modelOf(config);
  const variables = createVariables(model.state, 7);
  const { images, labels } = gatherBatch([tf.tensor1d(rows, 'int32')], { ...data(config, side) });
  const { views } = model.objective;
  const classes = repeatViews(labels, views);
  const drawing = { seed: config.seed, batch, step: tf.scalar(0, 'int32') };
  // The views of an image are made with those of the whole batch.
  const made = model.viewGroups.map((group) => ({
    ...group,
    all: viewsOf(images, group, drawsOfGroup(group, drawing)),
  }));
  const pass = { variables, onBatchStatistics: () => {} };
  const { value, grads } = tf.variableGrads(
    () => {
      const parts = Array.from({ length: batch / microbatch }, (_, part) =>
        made.flatMap(({ all, views: count, size }) => {
          const own = Array.from({ length: count }, (_view, view) =>
            tf.slice(all, [view * batch + part * microbatch, 0, 0, 0], [microbatch, size.height, size.width, 1]),
          );
          const rowsOut = model.objective.head(model.encoder.embed(model.prepare(tf.concat(own)), pass), pass);
          return Array.from({ length: count }, (_view, view) =>
            tf.slice(rowsOut, [view * microbatch, 0], [microbatch, model.objective.width]),
          );
        }),
      );
      // View-major over the whole batch, as the classes are.
      const outputs = tf.concat(
        Array.from({ length: views }, (_, view) => parts.map((part) => part[view] as Tensor)).flat(),
      );
      return model.objective.loss(outputs as Tensor2D, classes, variables) as Scalar;
    },
    model.trainable.map(({ name }) => variable(variables, name)),
  );
  const after = model.trainable.map(({ name }) => {
    const parameter = variable(variables, name);
    return tf.sub(parameter, tf.mul(grads[parameter.name] as Tensor, 0.1)).dataSync();
  });
  return { loss: value.dataSync()[0] ?? Number.NaN, after };
}

describe('a batch in parts', () => {
  for (const [name, config] of Object.entries(configs)) {
    for (const [engine, execute] of Object.entries({ graph: capture, eager: eagerExecution }))
      it(`has the loss and the gradient of the whole batch (${name}, ${engine})`, () => {
        const expected = inOneGradient(config);
        const { model, execution, step } = open(config, execute);
        const loss = step(...inputs(0))[0]?.[0] ?? Number.NaN;
        expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-5);
        const actual = execution.read(model.trainable.map(({ name: each }) => each));
        for (const [index, values] of expected.after.entries())
          values.forEach((value, at) => {
            expect(Math.abs((actual[index]?.[at] ?? Number.NaN) - value)).toBeLessThan(2e-5);
          });
        execution.dispose();
      });

    it(`leaves its sums at zero, and no tensor behind (${name})`, () => {
      const { model, execution, step } = open(config, capture);
      step(...inputs(0));
      const native = () => (tf.backend() as unknown as { getNumOfTFTensors(): number }).getNumOfTFTensors();
      const before = { tensors: tf.memory().numTensors, native: native() };
      for (let index = 1; index <= 20; index++) step(...inputs(index));
      expect({ tensors: tf.memory().numTensors, native: native() }).toEqual(before);
      const sums = microbatchVariables(model, { batch, microbatch }).filter(({ name: each }) =>
        each.startsWith('microbatch/sum/'),
      );
      for (const values of execution.read(sums.map(({ name: each }) => each)))
        expect(values.every((value) => value === 0)).toBe(true);
      execution.dispose();
    });
  }

  it('trains nearly as the whole batch does: batch normalisation alone tells them apart', () => {
    const config = configs['cross-entropy'] as TrainingConfig;
    const { execution, step } = open(config, capture);
    const model = modelOf(config);
    const whole = capture({ variables: createVariables(model.state, 7), resident: { ...data(config, side) } });
    const wholeStep = whole.compile(trainingStep(model, config, 4));
    const [part, all] = [step(...inputs(0))[0]?.[0] ?? 0, wholeStep(...inputs(0))[0]?.[0] ?? 0];
    expect(part).not.toBe(all);
    expect(Math.abs(part / all - 1)).toBeLessThan(0.3);
    execution.dispose();
    whole.dispose();
  });
});
