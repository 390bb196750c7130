import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { loadSplit, openSplit, prepareDataset } from '../../datasets/index.ts';
import { artifactFolder, openStore, type Store } from '../../store/index.ts';
import { JobStopped, openEncoder } from '../../training/index.ts';
import { streamedBatches } from '../../training/streamed-batches.ts';
import { everything } from './augmentation/given.ts';
import { openRun, trainEpochs } from './run.ts';

/** 46 training images in five shards; eight in a step, so five steps an epoch. */
let folder = '';
let store: Store;
let dataset: ArtifactRef;

const prepare = async (seed: number, form: object = {}) => {
  const params = { dataset: 'generated', generated: { classes: 2, images: 64 }, seed, ...form };
  const options = { cacheFolder: folder, shardBytes: 10 * 32 * 32 * 3 };
  return (await prepareDataset(store, prepareDataParameters.parse(params), options)).ref;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(folder);
  dataset = await prepare(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const encoder = { name: 'small-resnet', channels: 4, blocks: [1] };
const supcon = { encoder, projection: { hidden: 16, output: 8 }, batch: 8, epochs: 3 };
const configs = {
  SupCon: supcon,
  'SupCon with small views and every operation': {
    ...supcon,
    augmentation: everything,
    multiCrop: { views: 2, size: 16 },
  },
  'SupCon in parts': { ...supcon, microbatch: 4 },
  'SupCon, balanced': { ...supcon, sampler: { balanced: { perClass: 4 } } },
  'cross-entropy, operation by operation': {
    encoder,
    loss: { crossEntropy: {} },
    batch: 8,
    engine: 'eager',
    epochs: 3,
  },
  'cross-entropy in parts': { encoder, loss: { crossEntropy: {} }, batch: 8, microbatch: 4, epochs: 3 },
};
const resident = { residentMiB: 1024 };
const streamed = { residentMiB: 0 };
type Data = { residentMiB: number; readAhead?: number; threads?: number };

const trainingOf = (run: string, config: object, data: Data, ref = dataset) =>
  openRun({ store, run, dataset: ref, config, data });
/** Trains three epochs in one process, and takes the encoder out. */
const threeEpochs = (...args: Parameters<typeof trainingOf>) => trainEpochs(trainingOf(...args), 3);

const onImagesInMemory = new Map<string, ReturnType<typeof threeEpochs>>();
/** What a training on images in memory gives, made once. */
function expectedOf(name: keyof typeof configs) {
  const known =
    onImagesInMemory.get(name) ??
    threeEpochs(`expected-${name.replaceAll(/\W+/g, '-').toLowerCase()}`, configs[name], resident);
  onImagesInMemory.set(name, known);
  return known;
}

describe('training on images that stay in the store', () => {
  for (const name of ['SupCon', 'SupCon in parts', 'cross-entropy, operation by operation'] as const)
    it(`ends with the bits of one on images in memory, and with the same encoder (${name})`, async () => {
      const run = `streamed-${name.replaceAll(/\W+/g, '-').toLowerCase()}`;
      expect(await threeEpochs(run, configs[name], streamed)).toEqual(await expectedOf(name));
    });

  for (const [name, run, first, second] of [
    ['SupCon', 'from-memory', resident, { residentMiB: 0, readAhead: 0 }],
    ['cross-entropy in parts', 'from-store', streamed, resident],
    ['SupCon, balanced', 'balanced', resident, streamed],
    ['SupCon with small views and every operation', 'small-views', resident, streamed],
  ] as const)
    it(`goes on in the middle of an epoch that the other way began, with the same bits (${name}, ${run})`, async () => {
      // The first report is that the training is opened.
      const stopped = trainingOf(run, configs[name], first).train(1, undefined, 3);
      await expect(stopped).rejects.toBeInstanceOf(JobStopped);
      await expect(stopped).rejects.toMatchObject({ at: { epoch: 0, step: 2 } });
      const expected = await expectedOf(name);
      const resumedFrom = { epoch: 0, step: 2 };
      expect(await threeEpochs(run, configs[name], second)).toEqual({ ...expected, resumedFrom });
    });

  it('decodes images that are kept as files, with any number of threads, to the same bits', async () => {
    const files = await prepare(0, { size: 40, encoding: {} });
    const config = { ...supcon, augmentation: 'photos', multiCrop: { views: 2, size: 16 } };
    const expected = await threeEpochs('files-in-memory', config, resident, files);
    for (const threads of [1, 3]) {
      const run = `files-by-${threads}`;
      const stopped = trainingOf(run, config, { ...streamed, threads }, files).train(1, undefined, 3);
      await expect(stopped).rejects.toMatchObject({ at: { epoch: 0, step: 2 } });
      const resumed = await threeEpochs(run, config, { ...streamed, threads }, files);
      expect(resumed).toEqual({ ...expected, resumedFrom: { epoch: 0, step: 2 } });
    }
  });

  it('stops at a damaged shard, naming it', async () => {
    const damaged = await prepare(1);
    const file = await open(store.locate(`${artifactFolder(damaged)}/train-00001.safetensors`), 'r+');
    await file.write(Buffer.of(1, 2, 3), 0, 3, 5000);
    await file.close();
    for (const data of [streamed, resident])
      await expect(trainingOf('damaged', configs.SupCon, data, damaged).train(1)).rejects.toMatchObject({
        code: 'CorruptArtifact',
        message: expect.stringMatching(/train-00001\.safetensors is damaged/),
      });
  });
});

it('features of a split are those of its images in memory, also past the last whole batch', async () => {
  const { made } = await trainEpochs(trainingOf('features', { ...supcon, epochs: 1 }, streamed), 1);
  const frozen = await openEncoder(store, made.encoder);
  const { images, labels, count } = await loadSplit(store, dataset, 'train');
  const split = await openSplit(store, dataset, 'train');
  const done: number[] = [];
  const found = await frozen.featuresOf(split, (at) => done.push(at));
  await split.close();
  expect(found.labels).toEqual(labels);
  expect(found.features).toEqual(await frozen.features(images, count));
  expect(done).toEqual([count]);
  frozen.dispose();
});

describe('reading ahead', () => {
  const rows = (step: number) => Int32Array.of(2 * step, 2 * step + 1);
  /** Reads that end when they are told to. */
  function reader() {
    const underWay: { row: number; end: () => void }[] = [];
    const read = (wanted: Int32Array, images: Uint8Array, labels: Int32Array) =>
      new Promise<void>((resolve) => {
        const end = () => {
          images.set(wanted);
          labels.set(wanted);
          resolve();
        };
        underWay.push({ row: wanted[0] ?? 0, end });
      });
    return { split: { height: 1, width: 1, channels: 1 as const, read }, underWay };
  }

  it('gives the batches in order, whichever read ends first, and fills no buffer that is in use', async () => {
    const { split, underWay } = reader();
    const batches = streamedBatches(split, { size: 2, from: 3, to: 9, rows }, 2);
    expect(underWay.map(({ row }) => row)).toEqual([6, 8]);
    for (let step = 3; step < 9; step++) {
      const next = batches.next();
      // The last first.
      for (const { end } of underWay.splice(0).toReversed()) end();
      const [images, labels] = await next;
      expect([...(images?.values ?? [])]).toEqual([...rows(step)]);
      expect([...(labels?.values ?? [])]).toEqual([...rows(step)]);
    }
    expect(underWay).toEqual([]);
    await batches.close();
  });

  it('waits at the end for what is under way', async () => {
    const { split, underWay } = reader();
    const batches = streamedBatches(split, { size: 2, from: 0, to: 9, rows }, 3);
    let closed = false;
    const closing = batches.close().then(() => {
      closed = true;
    });
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    for (const { end } of underWay) end();
    await closing;
    expect(underWay).toHaveLength(3);
  });
});
