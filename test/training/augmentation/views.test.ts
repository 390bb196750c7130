import { describe, expect, it } from 'vitest';
import { type AugmentationConfig, augmentationRecipes } from '../../../contracts/augmentation.ts';
import { type Draw, drawsOf } from '../../../training/augmentation/draws.ts';
import { drawnMap, happens, transformsOf } from '../../../training/augmentation/geometry.ts';
import { drawsOfGroup, repeatViews, viewsOf } from '../../../training/augmentation/view-groups.ts';
import { augment } from '../../../training/augmentation/views.ts';
import { capture, eagerExecution } from '../../../training/capture/index.ts';
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../../../training/tensorflow.ts';
import { drawsFor, everything, only, scatteredImages, sha256 } from './given.ts';

const size = { height: 16, width: 16 };
const images = scatteredImages(4, 16);
const twoViews = (config: AugmentationConfig, of = images) =>
  augment(repeatViews(of, 2), drawsFor(8, config), config, size);
const largest = (values: Tensor) => tf.max(tf.abs(values)).dataSync()[0];

describe('views', () => {
  it('are the images themselves where nothing is switched on', () => {
    const { none } = augmentationRecipes;
    expect(augment(images, drawsFor(4, none), none, size).dataSync()).toEqual(images.dataSync());
  });

  for (const [name, config] of Object.entries({ ...augmentationRecipes, everything }))
    it(`come out the same every time, between 0 and 1 (${name})`, () => {
      const views = twoViews(config);
      expect(twoViews(config).dataSync()).toEqual(views.dataSync());
      const values = views.dataSync();
      expect(Math.min(...values)).toBeGreaterThanOrEqual(-1e-6);
      expect(Math.max(...values)).toBeLessThanOrEqual(1 + 1e-6);
    });

  for (const name of ['tutorial', 'simclr', 'photos'] as const)
    it(`of an image differ from each other (${name})`, () => {
      const [first, second] = tf.split(twoViews(augmentationRecipes[name]), 2) as [Tensor, Tensor];
      for (let image = 0; image < 4; image++)
        expect(largest(tf.sub(tf.slice(first, image, 1), tf.slice(second, image, 1)))).toBeGreaterThan(0.01);
    });

  it('flip to the mirror image', () => {
    const config = only({ flip: 1 });
    const flipped = augment(images, drawsFor(4, config), config, size);
    expect(largest(tf.sub(flipped, tf.reverse(images, 2)))).toBeLessThan(1e-5);
  });

  it('lose their colour where grey is certain', () => {
    const config = only({ grey: 1 });
    const [red, green] = tf.split(augment(images, drawsFor(4, config), config, size), 3, 3);
    expect(largest(tf.sub(red as Tensor4D, green as Tensor4D))).toBeLessThan(1e-6);
  });

  it('are the same in a graph and operation by operation, whatever is switched on', () => {
    const [graph, eager] = inBothEngines(everything);
    const far = graph.filter((value, at) => !(Math.abs(value - (eager[at] ?? Number.NaN)) < 1e-5));
    // A value between two of 256 levels may go to either where the last bit differs.
    expect(far.length / graph.length).toBeLessThan(0.01);
  });
});

/** Views of some images, by the graph and operation by operation. */
function inBothEngines(augmentation: AugmentationConfig): readonly [Float32Array, Float32Array] {
  const group = { purpose: 'views', views: 2, size, augmentation };
  const values = scatteredImages(4, 20).dataSync<'float32'>();
  const [graph, eager] = [capture, eagerExecution].map((engine) => {
    const execution = engine({ variables: new Map([['unused', tf.variable(tf.scalar(0))]]), resident: {} });
    const run = execution.compile(([given, step]) => {
      const draws = drawsOfGroup(group, { seed: 1, batch: 4, step: step as Tensor });
      return [viewsOf(given as Tensor4D, group, draws)];
    });
    const [views] = run(
      { dtype: 'float32', shape: [4, 20, 20, 3], values },
      { dtype: 'int32', shape: [], values: Int32Array.of(3) },
    );
    execution.dispose();
    return views as Float32Array;
  });
  expect(graph).toHaveLength(8 * 16 * 16 * 3);
  return [graph as Float32Array, eager as Float32Array];
}

describe('the bits of earlier versions', () => {
  it('are those of the draws', () => {
    const { always } = drawsFor(8, augmentationRecipes.none);
    expect(sha256(always as Tensor)).toBe('469deb7988a15b2f64a797322b547373b6089793118408027f3a8b5c6ada93c8');
  });

  it('are those of the draws whatever else is switched on', () => {
    const { always } = drawsFor(8, everything);
    expect(always?.dataSync()).toEqual(drawsFor(8, augmentationRecipes.none).always?.dataSync());
  });

  it('are those of the transforms, where views are as large as images', () => {
    for (const config of [augmentationRecipes.tutorial, augmentationRecipes.simclr, everything]) {
      const draw = drawsOf(drawsFor(64, config));
      const now = transformsOf(drawnMap(draw, size, size, config), size, size);
      expect(now.dataSync()).toEqual(earlierTransforms(draw, size, config).dataSync());
    }
  });
});

/** The transforms as the first version computed them, in which images and views had one size. */
function earlierTransforms(
  draw: Draw,
  { height, width }: typeof size,
  { flip, rotation, zoom, crop }: AugmentationConfig,
): Tensor2D {
  const symmetric = (values: Tensor2D, most: number) => tf.mul(tf.sub(tf.mul(values, 2), 1), most);
  const mirror = tf.sub(1, tf.mul(happens(draw('flip'), flip), 2));
  const angle = symmetric(draw('rotation'), rotation * 2 * Math.PI);
  const scale = tf.add(symmetric(draw('zoom'), zoom), 1);
  const window = crop ? earlierWindow(draw, crop) : { width: tf.onesLike(scale), height: tf.onesLike(scale) };
  const scaleX = tf.mul(tf.mul(scale, window.width), mirror);
  const scaleY = tf.mul(scale, window.height);
  const offsetX = tf.mul(symmetric(draw('cropX'), width / 2), tf.sub(1, window.width));
  const offsetY = tf.mul(symmetric(draw('cropY'), height / 2), tf.sub(1, window.height));
  const a0 = tf.mul(tf.cos(angle), scaleX);
  const a1 = tf.neg(tf.mul(tf.sin(angle), scaleY));
  const b0 = tf.mul(tf.sin(angle), scaleX);
  const b1 = tf.mul(tf.cos(angle), scaleY);
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const a2 = tf.add(tf.sub(tf.sub(centreX, tf.mul(a0, centreX)), tf.mul(a1, centreY)), offsetX);
  const b2 = tf.add(tf.sub(tf.sub(centreY, tf.mul(b0, centreX)), tf.mul(b1, centreY)), offsetY);
  const zero = tf.zerosLike(a0);
  return tf.concat([a0, a1, a2, b0, b1, b2, zero, zero], 1) as Tensor2D;
}

function earlierWindow(draw: Draw, { minimumArea, probability }: NonNullable<AugmentationConfig['crop']>) {
  const area = tf.add(tf.mul(draw('cropArea'), 1 - minimumArea), minimumArea);
  const ratio = tf.exp(tf.mul(tf.sub(tf.mul(draw('cropRatio'), 2), 1), Math.log(4 / 3)));
  const cropped = happens(draw('cropped'), probability);
  const side = (fraction: Tensor) => tf.add(tf.mul(tf.minimum(fraction, 1), cropped), tf.sub(1, cropped));
  return { width: side(tf.sqrt(tf.mul(area, ratio))), height: side(tf.sqrt(tf.div(area, ratio))) };
}

describe('views of larger images', () => {
  const { none } = augmentationRecipes;

  it('of half their size are the means of two by two pixels', () => {
    const halved = augment(images, drawsFor(4, none), none, { height: 8, width: 8 });
    expect(largest(tf.sub(halved, tf.avgPool(images, 2, 2, 'valid')))).toBeLessThan(1e-5);
  });

  it('of a third of their size are every third pixel, the middle one', () => {
    const large = scatteredImages(2, 15);
    const third = augment(large, drawsFor(2, none), none, { height: 5, width: 5 });
    const middle = tf.stridedSlice(large, [0, 1, 1, 0], [2, 15, 15, 3], [1, 3, 3, 1]);
    expect(largest(tf.sub(third, middle))).toBeLessThan(1e-5);
  });

  it('flip and crop the same part as views of their own size', () => {
    // A slope has the same value at a place whatever the size, away from the reflected edge.
    const slope = (side: number) =>
      tf.tile(tf.reshape(tf.div(tf.add(tf.range(0, side), 0.5), side), [1, 1, side, 1]), [8, side, 1, 1]) as Tensor4D;
    const config = only({ flip: 0.5, crop: { minimumArea: 0.2, probability: 1 } });
    const [same, smaller] = [16, 64].map((side) => augment(slope(side), drawsFor(8, config), config, size));
    const inner = (views: Tensor) => tf.slice(views, [0, 1, 1, 0], [8, 14, 14, 1]);
    expect(largest(tf.sub(inner(same as Tensor), inner(smaller as Tensor)))).toBeLessThan(0.03);
    expect(largest(tf.sub(tf.slice(same as Tensor, 0, 1), tf.slice(same as Tensor, 1, 1)))).toBeGreaterThan(0.1);
  });
});
