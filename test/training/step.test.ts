import { describe, expect, it } from 'vitest';
import { type AugmentationConfig, augmentationRecipes, trainingConfigSchema } from '../../contracts/training.ts';
import { viewDraws } from '../../training/augmentation/draws.ts';
import { augment } from '../../training/augmentation/views.ts';
import { capture, type Execution, eagerExecution, type StepState } from '../../training/capture/index.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { repeatViews, trainingStep } from '../../training/step.ts';
import { type Tensor4D, tf } from '../../training/tensorflow.ts';

const config = trainingConfigSchema.parse({
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
  projection: { hidden: 16, output: 8 },
  optimizer: 'adam',
  augmentation: { flip: 0.5, rotation: 0.1, zoom: 0.1, crop: {}, jitter: {}, grey: 0.2 },
  batch: 8,
});

function setUp(execute: (state: StepState) => Execution) {
  const model = createTrainingModel(config, {
    height: 16,
    width: 16,
    channels: 3,
    mean: [0.5, 0.5, 0.5],
    deviation: [0.3, 0.3, 0.3],
  });
  const count = 16;
  const images = Uint8Array.from({ length: count * 16 * 16 * 3 }, (_, at) => (at * 37) % 256);
  const data = residentImages({
    images,
    labels: Int32Array.from({ length: count }, (_, row) => row % 2),
    count,
    height: 16,
    width: 16,
    channels: 3,
  });
  const execution = execute({ variables: createVariables(model.state, 7), resident: { ...data } });
  const step = execution.compile(trainingStep(model, config, 4));
  const rows = { dtype: 'int32', shape: [8], values: Int32Array.from({ length: 8 }, (_, row) => row) } as const;
  return (index: number) => step(rows, { dtype: 'int32', shape: [], values: Int32Array.of(index) })[0]?.[0];
}

describe('a training step', () => {
  for (const [engine, execute] of Object.entries({ graph: capture, eager: eagerExecution })) {
    it(`leaks no tensor over 200 steps (${engine})`, () => {
      const step = setUp(execute);
      step(0);
      const before = { tensors: tf.memory().numTensors, native: nativeTensors() };
      for (let index = 1; index <= 200; index++) step(index);
      expect({ tensors: tf.memory().numTensors, native: nativeTensors() }).toEqual(before);
    });

    it(`gives the same losses from the same state (${engine})`, () => {
      const [a, b] = [setUp(execute), setUp(execute)];
      expect([0, 1, 2, 3].map(a)).toEqual([0, 1, 2, 3].map(b));
    });
  }
});

const nativeTensors = () => (tf.backend() as unknown as { getNumOfTFTensors(): number }).getNumOfTFTensors();

describe('views', () => {
  const images = tf.randomUniform([4, 16, 16, 3], 0, 1, 'float32', 1) as Tensor4D;
  const seed = tf.tensor1d([1, 2], 'int32');

  it('are the images themselves where nothing is switched on', () => {
    expect(augment(images, viewDraws(4, seed), augmentationRecipes.none).dataSync()).toEqual(images.dataSync());
  });

  const twoViews = (recipe: AugmentationConfig) => augment(repeatViews(images, 2), viewDraws(8, seed), recipe);

  it('differ from each other, and come out the same every time', () => {
    for (const recipe of [augmentationRecipes.tutorial, augmentationRecipes.simclr]) {
      const views = twoViews(recipe);
      const [first, second] = tf.split(views, 2);
      expect(
        tf
          .equal(first as Tensor4D, second as Tensor4D)
          .all()
          .dataSync()[0],
      ).toBe(0);
      expect(twoViews(recipe).dataSync()).toEqual(views.dataSync());
    }
  });

  it('keep to 0 to 1', () => {
    const values = twoViews(augmentationRecipes.simclr).dataSync();
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1e-6);
    expect(Math.max(...values)).toBeLessThanOrEqual(1 + 1e-6);
  });

  it('flip to the mirror image', () => {
    const flipped = augment(images, viewDraws(4, seed), { flip: 1, rotation: 0, zoom: 0, grey: 0 });
    const difference = tf.max(tf.abs(tf.sub(flipped, tf.reverse(images, 2))));
    expect(difference.dataSync()[0]).toBeLessThan(1e-5);
  });

  it('lose their colour where grey is certain', () => {
    const [red, green] = tf.split(
      augment(images, viewDraws(4, seed), { flip: 0, rotation: 0, zoom: 0, grey: 1 }),
      3,
      3,
    );
    expect(tf.max(tf.abs(tf.sub(red as Tensor4D, green as Tensor4D))).dataSync()[0]).toBeLessThan(1e-6);
  });
});
