import { describe, expect, it } from 'vitest';
import { encoderAboutSchema, encoderFiles } from '../../contracts/encoder.ts';
import { decodeSafetensors, openCheckpoints, readAbout, readArtifactFile } from '../../store/index.ts';
import { JobStopped } from '../../training/index.ts';
import { openRun, trainEpochs } from './run.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** 48 training images of three classes, eight in a step. */
const { store, dataset } = await generatedData(48, {
  generated: { classes: 3, images: 48 },
  validation: 0,
  test: 0,
});
const config = { ...smallConfig, batch: 8, epochs: 2 };
const trainingOf = (run: string, changes: object) =>
  openRun({ store, run, dataset, config: { ...config, ...changes } });
const namesIn = (content: Uint8Array) => [...decodeSafetensors(content).tensors.keys()];

describe.each([
  ['N-pairs', { loss: 'nPairs' }],
  ['L_in with hard negatives and a queue', { loss: { supcon: { variant: 'in', hardNegatives: {}, queue: 24 } } }],
  ['normalised softmax in bfloat16', { loss: 'normalisedSoftmax', precision: 'bfloat16' }],
  ['ArcFace in parts, behind one layer', { loss: 'arcFace', microbatch: 4, projection: 'linear' }],
  ['triplets in parts, without a head', { loss: { triplet: { margin: 'soft' } }, microbatch: 4, projection: 'none' }],
  ['multi-similarity in float16', { loss: 'multiSimilarity', precision: 'float16' }],
] as const)('a training by %s', (name, changes) => {
  const run = name.replaceAll(/\W+/g, '-');

  it('ends with the same bits where it was resumed in an epoch', async () => {
    const expected = await trainEpochs(trainingOf(`${run}-whole`, changes), 2);
    // The first report is that the training is opened.
    await expect(trainingOf(`${run}-resumed`, changes).train(1, undefined, 3)).rejects.toBeInstanceOf(JobStopped);
    const resumedFrom = { epoch: 0, step: 2 };
    expect(await trainEpochs(trainingOf(`${run}-resumed`, changes), 2)).toEqual({ ...expected, resumedFrom });
  });
});

describe('what is left of a training', () => {
  const encoderOf = async (run: string, changes: object) => {
    const { made } = await trainEpochs(trainingOf(run, { epochs: 1, ...changes }), 1);
    return { ref: made.encoder, about: await readAbout(store, made.encoder, encoderAboutSchema) };
  };

  it('is its encoder and its head, apart; class vectors stay in the checkpoints', async () => {
    const { ref, about } = await encoderOf('kept', { loss: 'arcFace' });
    expect(about.loss).toBe('arcFace');
    expect(namesIn(await readArtifactFile(store, ref, encoderFiles.projection))).toEqual([
      'projection_hidden/bias',
      'projection_hidden/kernel',
      'projection_output/bias',
      'projection_output/kernel',
    ]);
    const { newest } = await openCheckpoints(store, { run: 'kept', step: 'pretrain' }).newestValid();
    expect(newest?.tensors.get('class_vectors/kernel')?.shape).toEqual([3, 4]);
    expect(newest?.tensors.get('optimizer/m/class_vectors/kernel')?.shape).toEqual([3, 4]);
  });

  it('has one layer, or none, where the head is linear or there is none', async () => {
    const linear = await encoderOf('linear', { projection: 'linear' });
    expect(linear.about.loss).toBeUndefined();
    expect(namesIn(await readArtifactFile(store, linear.ref, encoderFiles.projection))).toEqual([
      'projection_output/bias',
      'projection_output/kernel',
    ]);
    const { ref } = await encoderOf('headless', { projection: 'none' });
    await expect(readArtifactFile(store, ref, encoderFiles.projection)).rejects.toThrow();
  });
});
