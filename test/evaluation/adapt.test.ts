import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { embeddingsAboutSchema } from '../../contracts/embeddings.ts';
import { encoderAboutSchema, encoderFiles } from '../../contracts/encoder.ts';
import { adaptParameters } from '../../contracts/kinds/adapt.ts';
import { embedParameters } from '../../contracts/kinds/embed.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { retrievalParameters } from '../../contracts/kinds/retrieval.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { describeDataset, findImage, openSplit, prepareDataset, readRowDigests } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import {
  bytesOf,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  int32,
  openStore,
  readAbout,
  readArtifactFile,
  type Store,
  writeArtifact,
} from '../../store/index.ts';
import { checkExported, exportModel, JobStopped, openEncoder } from '../../training/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';

/** A frozen encoder with a small layer behind it, on an encoder that was really trained, though not for long. */
let folder = '';
let store: Store;
let dataset: ArtifactRef;
let encoder: ArtifactRef;
let embeddings: ArtifactRef;

const key = { run: 'adapted', step: 'adapter' };
const progress: { phase: string; done: number }[] = [];
const context = (stopAt?: string) => ({
  store,
  key,
  stopRequested: () => stopAt !== undefined && progress.at(-1)?.phase === stopAt,
  progress: (each: (typeof progress)[number]) => void progress.push(each),
});
const embed = (params: object = {}, of = encoder) =>
  stepJobs.embed({ ...key, encoder: of, dataset, parameters: embedParameters.parse(params) }, context());
const adapt = (params: object = {}, of = embeddings, stopAt?: string) =>
  stepJobs.adapt(
    { ...key, embeddings: of, parameters: adaptParameters.parse({ batch: 64, ...params }) },
    context(stopAt),
  );
const mapAtR = async (of: ArtifactRef) => {
  const parameters = retrievalParameters.parse({});
  const input = trainerJobs.retrieval.input.parse({ ...key, encoder: of, dataset, parameters });
  return (await stepJobs.retrieval(input, context())).mapAtR ?? 0;
};
const tensorsOf = async (ref: ArtifactRef, file: string) =>
  decodeSafetensors(await readArtifactFile(store, ref, file), file).tensors;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-adapt-'));
  store = openStore(folder);
  const parameters = prepareDataParameters.parse({
    ...{ dataset: 'generated', generated: { classes: 6, images: 480 }, test: 0.3 },
  });
  ({ ref: dataset } = await prepareDataset(store, parameters, { cacheFolder: folder }));
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    optimizer: { name: 'adam', learningRate: 1e-4 },
    batch: 32,
    epochs: 1,
  };
  ({ encoder } = (await trainEpochs(openRun({ store, run: 'adapted', dataset, config }), 1)).made);
  ({ embeddings } = await embed());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('embed', () => {
  it('stores the embeddings of every split, in the order of its rows', async () => {
    const about = await readAbout(store, embeddings, embeddingsAboutSchema);
    expect(about).toMatchObject({ encoder, dataset, dimension: 16 });
    expect(Object.keys(about.splits).sort()).toEqual(['test', 'train', 'validation']);
    const frozen = await openEncoder(store, encoder);
    const split = await openSplit(store, dataset, 'test');
    const { features, labels } = await frozen.featuresOf(split, () => {});
    await split.close();
    frozen.dispose();
    const kept = await tensorsOf(embeddings, 'test-00000.safetensors');
    expect(kept.get('embeddings')?.shape).toEqual([split.count, 16]);
    const [rows, classes] = [kept.get('embeddings'), kept.get('labels')];
    expect(rows && float32(rows)).toEqual(features);
    expect(classes && int32(classes)).toEqual(labels);
  });

  it('takes the splits that are named, and refuses one without images', async () => {
    const { embeddings: some, images } = await embed({ splits: ['test'] });
    expect(Object.keys((await readAbout(store, some, embeddingsAboutSchema)).splits)).toEqual(['test']);
    expect(images).toBe((await describeDataset(store, dataset)).splits.test.count);
    await expect(embed({ splits: ['unseenTest'] })).rejects.toMatchObject({ code: 'InvalidDataset' });
    await expect(adapt({}, some)).rejects.toMatchObject({
      code: 'InvalidDataset',
      message: expect.stringContaining('Name train in `splits`'),
    });
  });

  it('is found by an image that is to be forgotten', async () => {
    const digest = (await readRowDigests(store, dataset, 'train'))?.source[0] ?? '';
    const { uses } = await findImage(store, [digest]);
    expect(uses.emptied.map(({ artifact }) => artifact)).toContainEqual(embeddings);
  });
});

describe('adapt', () => {
  it('brings the images of a class together, and leaves the encoder as it is', async () => {
    const { encoder: adapted, loss, images } = await adapt({ adapter: { output: 8 }, epochs: 60, learningRate: 0.01 });
    const { loss: atFirst } = await adapt({ adapter: { output: 8 }, epochs: 1, learningRate: 0.01 });
    expect(loss).toBeLessThan(atFirst);
    expect(images).toBe((await describeDataset(store, dataset)).splits.train.count);
    expect(await mapAtR(adapted)).toBeGreaterThan(await mapAtR(encoder));
    const about = await readAbout(store, adapted, encoderAboutSchema);
    expect(about).toMatchObject({ dimension: 8, adapter: { output: 8, encoder, dataset, epochs: 60 } });
    const before = await tensorsOf(encoder, encoderFiles.encoder);
    const after = await tensorsOf(adapted, encoderFiles.encoder);
    for (const [name, tensor] of before) expect(after.get(name)).toEqual(tensor);
    expect([...after.keys()].filter((name) => !before.has(name))).toEqual([
      'adapter_output/bias',
      'adapter_output/kernel',
    ]);
  });

  it('gives the same bits again, other bits by another seed', async () => {
    const params = { adapter: { hidden: 12, output: 4 }, epochs: 3, sampler: { balanced: { perClass: 8 } } };
    const first = await adapt(params);
    expect(await adapt(params)).toEqual(first);
    expect((await adapt({ ...params, seed: 1 })).encoder.digest).not.toBe(first.encoder.digest);
  });

  it('is exported with its encoder, as one model of the same embeddings', async () => {
    const { encoder: adapted } = await adapt({ adapter: { hidden: 12, output: 4 }, epochs: 2 });
    const target = join(folder, 'exported');
    await mkdir(target);
    await writeFile(
      join(target, 'saved_model.pb'),
      (await exportModel(store, { encoder: adapted, classifier: null })).savedModel,
    );
    expect(await checkExported(store, adapted, target)).toBeLessThan(1e-4);
  });

  it('an encoder has one adapter', async () => {
    const { encoder: adapted } = await adapt({ epochs: 1 });
    const { embeddings: again } = await embed({}, adapted);
    await expect(adapt({}, again)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('has an adapter already'),
    });
  });

  /** Embeddings as a store may hold them: of six images, one of each class. */
  async function given({ labels = [0, 1, 2, 3, 4, 5], count = 6, dimension = 16 } = {}) {
    const file = 'train-00000.safetensors';
    const content = encodeSafetensors([
      {
        name: 'embeddings',
        dtype: 'F32',
        shape: [6, dimension],
        data: bytesOf(Float32Array.from({ length: 6 * dimension }, (_, at) => at % 7)),
      },
      { name: 'labels', dtype: 'I32', shape: [6], data: bytesOf(Int32Array.from(labels)) },
    ]);
    const splits = { train: { count, shards: [{ file, count: 6 }] } };
    return writeArtifact(store, {
      kind: 'embeddings',
      about: { encoder, dataset, dimension, splits },
      files: [{ path: file, content }],
    });
  }

  it('learns nothing from classes of one image, and says so; with dropout it has two views of each', async () => {
    await expect(adapt({}, await given())).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('Set `dropout`'),
    });
    expect((await adapt({ dropout: 0.2, epochs: 2 }, await given())).images).toBe(6);
  });

  it.each([
    [{ labels: [0, 1, 2, 3, 4, 6] }, 'the label 6, and there are 6 classes'],
    [{ labels: [0, 1, 2, 3, 4, -1] }, 'the label -1'],
    [{ count: 2 ** 40 }, 'of 6 images, not of 1099511627776'],
    [{ dimension: 8 }, '8 numbers each, and those of their encoder 16'],
  ])('refuses embeddings that are not those of their data set: %j', async (change, message) => {
    await expect(adapt({}, await given(change))).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringContaining(message),
    });
  });

  it('stops when it is asked to', async () => {
    await expect(adapt({ epochs: 1000 }, embeddings, 'adapter')).rejects.toBeInstanceOf(JobStopped);
  });

  it('counts as trained on the data of encoder and adapter: both are found by an image to forget', async () => {
    const { encoder: adapted } = await adapt({ epochs: 1 });
    const digest = (await readRowDigests(store, dataset, 'train'))?.source[0] ?? '';
    expect((await findImage(store, [digest])).uses.trained).toContainEqual(adapted);
  });
});
