import { describe, expect, it } from 'vitest';
import { augmentationRecipes, trainingConfigSchema } from '../../contracts/training.ts';
import { augment, twoViews } from '../../training/augmentation/views.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { trainStep } from '../../training/step.ts';
import { type Tensor4D, tf } from '../../training/tensorflow.ts';

const config = trainingConfigSchema.parse({
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
  projection: { hidden: 16, output: 8 },
  optimizer: 'adam',
  augmentation: { flip: 0.5, rotation: 0.1, zoom: 0.1, crop: {}, jitter: {}, grey: 0.2 },
  batch: 8,
});

function setUp() {
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
  const variables = createVariables(model.state, 7);
  const rows = Int32Array.from({ length: 8 }, (_, row) => row);
  return (step: number) =>
    trainStep(model, variables, data, rows, config, { epoch: 1, step, globalStep: step, learningRate: 0.001 });
}

describe('a training step', () => {
  it('leaks no tensor over 200 steps', () => {
    const step = setUp();
    step(0);
    const before = tf.memory().numTensors;
    for (let index = 1; index <= 200; index++) step(index);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives the same losses from the same state', () => {
    const [a, b] = [setUp(), setUp()];
    expect([0, 1, 2, 3].map(a)).toEqual([0, 1, 2, 3].map(b));
  });
});

describe('views', () => {
  const images = tf.randomUniform([4, 16, 16, 3], 0, 1, 'float32', 1) as Tensor4D;
  const seed = tf.tensor1d([1, 2], 'int32');

  it('are the images themselves where nothing is switched on', () => {
    expect(augment(images, seed, augmentationRecipes.none).dataSync()).toEqual(images.dataSync());
  });

  it('differ from each other, and come out the same every time', () => {
    for (const recipe of [augmentationRecipes.tutorial, augmentationRecipes.simclr]) {
      const views = twoViews(images, seed, recipe);
      const [first, second] = tf.split(views, 2);
      expect(
        tf
          .equal(first as Tensor4D, second as Tensor4D)
          .all()
          .dataSync()[0],
      ).toBe(0);
      expect(twoViews(images, seed, recipe).dataSync()).toEqual(views.dataSync());
    }
  });

  it('keep to 0 to 1', () => {
    const values = twoViews(images, seed, augmentationRecipes.simclr).dataSync();
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1e-6);
    expect(Math.max(...values)).toBeLessThanOrEqual(1 + 1e-6);
  });

  it('flip to the mirror image', () => {
    const flipped = augment(images, seed, { flip: 1, rotation: 0, zoom: 0, grey: 0 });
    const difference = tf.max(tf.abs(tf.sub(flipped, tf.reverse(images, 2))));
    expect(difference.dataSync()[0]).toBeLessThan(1e-5);
  });

  it('lose their colour where grey is certain', () => {
    const [red, green] = tf.split(augment(images, seed, { flip: 0, rotation: 0, zoom: 0, grey: 1 }), 3, 3);
    expect(tf.max(tf.abs(tf.sub(red as Tensor4D, green as Tensor4D))).dataSync()[0]).toBeLessThan(1e-6);
  });
});
