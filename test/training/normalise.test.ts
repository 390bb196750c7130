import { describe, expect, it } from 'vitest';
import { encoderAboutSchema } from '../../contracts/encoder.ts';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import { type Normalise, normaliseSchema } from '../../contracts/normalise.ts';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { describeDataset } from '../../datasets/index.ts';
import { openCheckpoints, readAbout } from '../../store/index.ts';
import { imageFormatOf } from '../../training/image-format.ts';
import { createEncoderAtCheckpoint, openEncoder } from '../../training/index.ts';
import { createTrainingModel, prepareImages } from '../../training/model.ts';
import { type Tensor4D, tf } from '../../training/tensorflow.ts';
import { openRun } from './run.ts';
import { generatedData, smallConfig } from './small-training.ts';

const grey = { image: { height: 1, width: 1, channels: 1 }, mean: [0.3], deviation: [0.1] };
const coloured = { image: { height: 1, width: 1, channels: 3 }, mean: [0.1, 0.2, 0.3], deviation: [1, 2, 4] };
const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/** What becomes of one pixel, between 0 and 1. */
const prepared = (about: typeof grey, normalise: Normalise | undefined, pixel: readonly number[], channels = 3) =>
  tf.tidy(() => [
    ...prepareImages(
      tf.tensor4d([...pixel], [1, 1, 1, pixel.length]) as Tensor4D,
      imageFormatOf(about, normalise),
      channels,
    ).dataSync(),
  ]);
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5));

describe('pixels are normalised', () => {
  it('by the training images, where nothing is said', () => {
    for (const normalise of [undefined, 'dataset'] as const) {
      expect(prepared(coloured, normalise, [1, 1, 1])).toEqual(close([0.9, 0.4, 0.175]));
      expect(prepared(grey, normalise, [0.5])).toEqual(close([2, 2, 2]));
    }
  });

  it("by ImageNet's numbers, a half, or one's own", () => {
    const byImagenet = imagenet.mean.map((mean, at) => (0.5 - mean) / (imagenet.deviation[at] as number));
    expect(prepared(coloured, 'imagenet', [0.5, 0.5, 0.5])).toEqual(close(byImagenet));
    expect(prepared(coloured, 'half', [0, 0.5, 1])).toEqual(close([-1, 0, 1]));
    expect(prepared(coloured, { mean: [0.25], deviation: [0.5] }, [0, 0.5, 1])).toEqual(close([-0.5, 0.5, 1.5]));
  });

  it('by three numbers after grey is repeated, and by one where the encoder takes it as it is', () => {
    const byImagenet = imagenet.mean.map((mean, at) => (0.5 - mean) / (imagenet.deviation[at] as number));
    expect(prepared(grey, 'imagenet', [0.5])).toEqual(close(byImagenet));
    expect(prepared(grey, 'half', [1], 1)).toEqual(close([1]));
  });

  it('but not by three numbers in an encoder of one channel', () => {
    const config = trainingConfigSchema.parse({ ...smallConfig, normalise: 'imagenet' });
    expect(() => createTrainingModel(config, imageFormatOf(grey, 'imagenet'))).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message: expect.stringMatching(/grey images as they are.*half/),
      }),
    );
  });
});

describe('the parameter normalise', () => {
  it('is absent where it is not written, so that earlier results stay valid', () => {
    expect(pretrainParameters.parse({})).not.toHaveProperty('normalise');
    expect(pretrainParameters.parse({})).not.toHaveProperty('initialWeights');
  });

  it('wants as many deviations as means, of one channel or three', () => {
    expect(normaliseSchema.safeParse({ mean: [0.5], deviation: [0.5] }).success).toBe(true);
    expect(normaliseSchema.safeParse({ mean: [0.5], deviation: [1, 1, 1] }).success).toBe(false);
    expect(normaliseSchema.safeParse({ mean: [0, 0], deviation: [1, 1] }).success).toBe(false);
    expect(normaliseSchema.safeParse({ mean: [0], deviation: [0] }).success).toBe(false);
  });

  it('goes with the encoder wherever that goes, and decides the numbers', async () => {
    const { store, dataset } = await generatedData(48);
    const runWith = (run: string, more: object = {}) =>
      openRun({ store, run, dataset, config: { ...smallConfig, ...more } });
    const { mean, deviation } = await describeDataset(store, dataset);
    const { loss } = (await runWith('plain').train(1)).metrics;
    const own = await runWith('own', { normalise: { mean, deviation } }).train(1);
    expect(own.metrics.loss).toBe(loss);
    const halved = runWith('halved', { normalise: 'half' });
    const { digest, metrics } = await halved.train(1);
    expect(metrics.loss).not.toBe(loss);
    const made = await halved.finish({ epoch: 1, digest });
    const { image: kept } = await readAbout(store, made.encoder, encoderAboutSchema);
    expect(kept).toMatchObject({ mean: [0.5], deviation: [0.5] });

    // Taken out of a checkpoint, the encoder is that of the end of the training.
    const atCheckpoint = createEncoderAtCheckpoint(store);
    const { newest } = await openCheckpoints(store, { run: 'halved', step: 'pretrain' }).newestValid({
      wholeEpochs: true,
    });
    if (!newest) throw new Error('the epoch has a checkpoint');
    const { embedder, image } = await atCheckpoint.take(newest, { onProgress: () => {} });
    const encoder = await openEncoder(store, made.encoder);
    expect(image).toEqual(encoder.about.image);
    const pixels = Uint8Array.from({ length: image.height * image.width * image.channels }, (_, at) => at % 256);
    expect(await embedder.features(pixels, 1)).toEqual(await encoder.features(pixels, 1));
    encoder.dispose();
    await atCheckpoint.close();
  });
});
