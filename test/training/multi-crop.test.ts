import { describe, expect, it } from 'vitest';
import { trainEpochInput } from '../../contracts/trainer.ts';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { drawsOf } from '../../training/augmentation/draws.ts';
import { drawnMap } from '../../training/augmentation/geometry.ts';
import { drawsOfGroup, repeatViews, type ViewGroup, viewsOf } from '../../training/augmentation/view-groups.ts';
import { capture, eagerExecution } from '../../training/capture/index.ts';
import { contrastiveFacts } from '../../training/contrastive-facts.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { normalised } from '../../training/losses/pairs.ts';
import { createTrainingModel } from '../../training/model.ts';
import { imagesOfBytes } from '../../training/ops.ts';
import { createVariables, variable } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { trainingStep } from '../../training/step.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../../training/tensorflow.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** Images of 20 pixels, two views of 16, three small ones of 8. */
const [batch, stored, side, small] = [6, 20, 16, 8];
const format = { height: side, width: side, channels: 3, mean: [0.5, 0.4, 0.3], deviation: [0.3, 0.3, 0.2] };
const config = trainingConfigSchema.parse({
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
  projection: { hidden: 16, output: 8 },
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0 },
  loss: { supcon: { queue: 20 } },
  multiCrop: { views: 3, size: small, area: [0.1, 0.3] },
  batch,
});
const data = () =>
  residentImages({
    images: Uint8Array.from({ length: batch * stored * stored * 3 }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24),
    labels: Int32Array.from({ length: batch }, (_, row) => row % 2),
    count: batch,
    height: stored,
    width: stored,
    channels: 3,
  });
const rows = { dtype: 'int32', shape: [batch], values: Int32Array.from({ length: batch }, (_, row) => row) } as const;
const number = { dtype: 'int32', shape: [], values: Int32Array.of(0) } as const;

function oneStep(engine: typeof capture | typeof eagerExecution) {
  const model = createTrainingModel(config, format);
  const execution = engine({ variables: createVariables(model.state, 7), resident: { ...data() } });
  const [loss] = execution.compile(trainingStep(model, config, 4))(rows, number)[0] ?? [];
  const names = model.state.map(({ name }) => name);
  const values = execution.read(names);
  execution.dispose();
  return { loss: loss ?? Number.NaN, state: new Map(names.map((name, at) => [name, [...(values[at] ?? [])]])) };
}

/** The same, without a step: the loss over all views at once, and where its gradient leads. */
function expectedStep() {
  const model = createTrainingModel(config, format);
  const variables = createVariables(model.state, 7);
  const drawing = { seed: config.seed, batch, step: tf.scalar(0, 'int32') };
  const images = imagesOfBytes(data().images);
  const views = model.viewGroups.map((group) => viewsOf(images, group, drawsOfGroup(group, drawing)));
  const classes = repeatViews(data().labels, 5) as Tensor1D;
  const means = new Map<string, number[]>();
  const outputs = () => {
    const [full, rest] = views.map((each, group) => {
      const pass = {
        variables,
        onBatchStatistics: (layer: string, mean: Tensor1D) => {
          if (group === 0) means.set(`${layer}/moving_mean`, [...mean.dataSync()]);
        },
      };
      return model.objective.head(model.encoder.embed(model.prepare(each), pass), pass);
    }) as [Tensor2D, Tensor2D];
    return tf.concat([full, rest]) as Tensor2D;
  };
  const { value, grads } = tf.variableGrads(
    () => model.objective.loss(outputs(), classes, variables) as Scalar,
    model.trainable.map(({ name }) => variable(variables, name)),
  );
  const after = model.trainable.map(({ name }) => {
    const parameter = variable(variables, name);
    return [name, [...tf.sub(parameter, tf.mul(grads[parameter.name] as Tensor, 0.1)).dataSync()]] as const;
  });
  const queued = [...normalised(tf.slice(outputs(), 0, 2 * batch) as Tensor2D).dataSync()];
  return { loss: value.dataSync()[0] ?? Number.NaN, after, means, queued, shapes: views.map(({ shape }) => shape) };
}

const expectClose = (actual: readonly number[] | undefined, expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, at) => void expect(Math.abs((actual?.[at] ?? Number.NaN) - value)).toBeLessThan(2e-5));
};

describe('a step with small views', () => {
  for (const [name, engine] of Object.entries({ graph: capture, eager: eagerExecution }))
    it(`has the loss and the gradient of all views of all images (${name})`, () => {
      const expected = expectedStep();
      expect(expected.shapes).toEqual([
        [2 * batch, side, side, 3],
        [3 * batch, small, small, 3],
      ]);
      const { loss, state } = oneStep(engine);
      expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-5);
      for (const [parameter, values] of expected.after) expectClose(state.get(parameter), values);
    });

  it('moves the statistics of batch normalisation towards those of the views of full size alone', () => {
    const { means } = expectedStep();
    const { state } = oneStep(capture);
    expect(means.size).toBeGreaterThan(3);
    // From 0, by a hundredth of the way.
    for (const [name, mean] of means)
      expectClose(
        state.get(name),
        mean.map((value) => value * 0.01),
      );
  });

  it('puts the projections of the views of full size into the queue, and no others', () => {
    const { queued } = expectedStep();
    const { state } = oneStep(capture);
    expectClose(state.get('queue/projections')?.slice(0, queued.length), queued);
    expect(state.get('queue/projections')?.slice(queued.length)).toEqual(Array(8 * (20 - 2 * batch)).fill(0));
    expect(state.get('queue/classes')).toEqual([...[1, 2, 1, 2, 1, 2], ...[1, 2, 1, 2, 1, 2], ...Array(8).fill(0)]);
  });

  it('runs through ResNet50V2 as well, with either stem', () => {
    for (const stem of ['imagenet', 'cifar']) {
      const large = trainingConfigSchema.parse({ ...config, encoder: { name: 'resnet50v2', stem } });
      const model = createTrainingModel(large, format);
      const execution = capture({ variables: createVariables(model.state, 7), resident: { ...data() } });
      const [losses] = execution.compile(trainingStep(model, large, 4))(rows, number);
      expect(losses?.[0]).toBeGreaterThan(0);
      execution.dispose();
    }
  });
});

describe('small views', () => {
  const groups = createTrainingModel(config, format).viewGroups as [ViewGroup, ViewGroup];
  const drawing = { seed: 3, batch: 100, step: tf.scalar(5, 'int32') };

  it('show a share of the image between the two that are asked for', () => {
    const [, group] = groups;
    const draw = drawsOf(drawsOfGroup(group, drawing));
    const still = { ...group.augmentation, flip: 0, rotation: 0, zoom: 0 };
    const { a0, b1 } = drawnMap(draw, { height: stored, width: stored }, group.size, still);
    const shares = [...tf.mul(a0, b1).dataSync()].map((area) => (area * small * small) / (stored * stored));
    expect(Math.min(...shares)).toBeGreaterThan(0.1 - 1e-5);
    expect(Math.max(...shares)).toBeLessThan(0.3 + 1e-5);
    expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.15);
  });

  it('have draws of their own', () => {
    const [full, smaller] = groups.map((group) => drawsOfGroup({ ...group, views: 2 }, drawing).always as Tensor);
    expect(full?.dataSync()).not.toEqual(smaller?.dataSync());
  });

  it('count in the loss of a collapse', () => {
    const { collapsedLoss } = contrastiveFacts({ config, batch, perClass: [3, 3] });
    expect(collapsedLoss).toBeCloseTo(Math.log(5 * batch - 1 + 20), 10);
  });

  it('as large as the images are refused', async () => {
    const { store, dataset } = await generatedData(60);
    const key = { run: 'too-large', step: 'pretrain' };
    const input = { ...key, dataset, config: { ...smallConfig, multiCrop: { size: 32 } }, checkpoint: {}, epoch: 1 };
    const context = { store, key, stopRequested: () => false, progress: () => {} };
    await expect(createTrainingJobs()['train-epoch'](trainEpochInput.parse(input), context)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/multiCrop\.size: 32 is not below the size of the images, 32 x 32/),
    });
  });
});
