import { describe, expect, it } from 'vitest';
import { sampleViewsInput } from '../../contracts/trainer.ts';
import { describeDataset, readRows, spreadRows } from '../../datasets/index.ts';
import { viewsFile } from '../../report/tensorboard/training-files.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { generatedData } from './small-training.ts';

const { store, dataset } = await generatedData(100, { validation: 0, test: 0.2 });
const key = { run: 'views', step: 'pretrain' };
async function sample(config: object, from = { store, dataset }) {
  const { store, dataset } = from;
  const context = { store, key, stopRequested: () => false, progress: () => {} };
  const input = sampleViewsInput.parse({ ...key, dataset, config: { epochs: 1, ...config } });
  const { pixels, ...rest } = await createTrainingJobs()['sample-views'](input, context);
  const size = rest.height * rest.width * rest.channels * rest.images;
  const bytes = Buffer.from(pixels, 'base64');
  const [original, first, second] = [0, 1, 2].map((at) => bytes.subarray(at * size, (at + 1) * size));
  return { ...rest, pixels, original, first, second };
}

describe('a sample of the views of a training', () => {
  it('is images of the training split, and two versions of each that are not the same', async () => {
    const { original, first, second, ...size } = await sample({ augmentation: 'tutorial' });
    expect(size).toMatchObject({ images: 8, height: 32, width: 32, channels: 1 });
    const { count } = (await describeDataset(store, dataset)).splits.train;
    const { pixels } = await readRows(store, dataset, 'train', spreadRows(count, 8));
    expect(original).toEqual(Buffer.from(pixels));
    expect(first).not.toEqual(original);
    expect(first).not.toEqual(second);
  });

  it('is the images themselves where nothing is changed, and the same every time', async () => {
    const { original, first, second } = await sample({ augmentation: 'none' });
    expect(first).toEqual(original);
    expect(second).toEqual(original);
    expect(await sample({ seed: 3 })).toEqual(await sample({ seed: 3 }));
    expect((await sample({ seed: 3 })).first).not.toEqual((await sample({ seed: 4 })).first);
  });

  it('has the small views too, with black around them, and shows images that are kept larger in the size of views', async () => {
    const files = await generatedData(40, { size: 48, encoding: { margin: 1.5 } });
    const config = { augmentation: 'none', multiCrop: { views: 3, size: 16 } };
    const { pixels, ...sampled } = await sample(config, files);
    expect(sampled).toMatchObject({ images: 8, views: 5, height: 48, width: 48 });
    const bytes = Buffer.from(pixels, 'base64');
    expect(bytes).toHaveLength(6 * 8 * 48 * 48 * sampled.channels);
    const brightness = (version: number, y: number, x: number) => {
      const size = 48 * 48 * sampled.channels;
      const rows = Array.from(
        { length: 8 },
        (_, image) => bytes[(version * 8 + image) * size + (y * 48 + x) * sampled.channels] ?? 0,
      );
      return Math.max(...rows);
    };
    // The views of full size are the images, since nothing else is switched on.
    for (const version of [1, 2])
      expect(Math.abs(brightness(version, 24, 24) - brightness(0, 24, 24))).toBeLessThanOrEqual(2);
    for (const version of [3, 4, 5]) {
      expect(brightness(version, 15, 24)).toBe(0);
      expect(brightness(version, 32, 24)).toBe(0);
      expect(brightness(version, 24, 24)).toBeGreaterThan(0);
    }
  });

  it('is shown by TensorBoard as one picture, a row for the images and for each view', async () => {
    const { original: _, first: __, second: ___, ...sampled } = await sample({});
    const { content } = await viewsFile(1, sampled);
    const bytes = Buffer.concat(content instanceof Uint8Array ? [content] : [...content]);
    const png = bytes.indexOf(Buffer.from([0x89, 0x50, 0x4e, 0x47]));
    // Width and height are the first numbers of a PNG's header.
    expect([bytes.readUInt32BE(png + 16), bytes.readUInt32BE(png + 20)]).toEqual([8 * 32, 3 * 32]);
  });
});
