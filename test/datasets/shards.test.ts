import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { formOf } from '../../datasets/form.ts';
import { describeDataset, loadSplit, openSplit, prepareDataset } from '../../datasets/index.ts';
import { createPixelStatistics } from '../../datasets/pixel-statistics.ts';
import type { PreparedImage, RejectedImage } from '../../datasets/prepared-image.ts';
import { readImages } from '../../datasets/read-images.ts';
import { createShardWriter } from '../../datasets/shard-writer.ts';
import type { RawSplit } from '../../datasets/source.ts';
import {
  artifactFolder,
  createArtifactWriter,
  openStore,
  type Store,
  testSetOf,
  writeArtifact,
} from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-shards-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let folder = '';
let store: Store;
let number = 0;
beforeEach(async () => {
  folder = join(root, String(number++));
  await mkdir(folder);
  store = openStore(join(folder, 'store'));
});

const form = formOf(prepareDataParameters.parse({ dataset: 'generated' }));
/** Ten images in a shard. */
const shardBytes = 10 * 32 * 32 * 3;
const prepare = (params: object, bytes: number | undefined = shardBytes) =>
  prepareDataset(store, prepareDataParameters.parse(params), {
    cacheFolder: join(folder, 'cache'),
    ...(bytes === undefined ? {} : { shardBytes: bytes }),
  });
const generated = { dataset: 'generated', generated: { classes: 2, images: 64 } };

const everyRow = (count: number) => Int32Array.from({ length: count }, (_, row) => row);

describe('a data set in shards', () => {
  it('holds the rows that it holds in one file', async () => {
    const whole = await prepare(generated, 2 ** 20);
    const parts = await prepare(generated);
    expect(whole.about.splits.train.shards).toEqual([{ file: 'train-00000.safetensors', count: 44 }]);
    expect(parts.about.splits.train.shards.map(({ count }) => count)).toEqual([10, 10, 10, 10, 4]);
    expect(parts.about.splits.train.shards[4]?.file).toBe('train-00004.safetensors');
    expect(await loadSplit(store, parts.ref, 'train')).toEqual(await loadSplit(store, whole.ref, 'train'));
  });

  it('has no file for a split without images', async () => {
    const { ref, about } = await prepare({ ...generated, validation: 0 });
    expect(about.splits.validation).toEqual({ shards: [], count: 0, perClass: [0, 0] });
    expect(await loadSplit(store, ref, 'validation')).toMatchObject({ count: 0, images: new Uint8Array(0) });
  });

  it('gives any rows in the order that they are asked for', async () => {
    const { ref } = await prepare(generated);
    const { images, labels } = await loadSplit(store, ref, 'train');
    const split = await openSplit(store, ref, 'train');
    const rows = Int32Array.of(43, 9, 10, 11, 3, 3, 0, 29, 30);
    const [pixels, classes] = [new Uint8Array(rows.length * 1024), new Int32Array(rows.length)];
    await split.read(rows, pixels, classes);
    await split.close();
    expect(Array.from(classes)).toEqual(Array.from(rows, (row) => labels[row]));
    rows.forEach((row, at) => {
      expect(pixels.subarray(at * 1024, (at + 1) * 1024)).toEqual(images.subarray(row * 1024, (row + 1) * 1024));
    });
  });

  it('is believed shard by shard: a damaged one is named when a row of it is wanted', async () => {
    const { ref } = await prepare(generated);
    const path = store.locate(`${artifactFolder(ref)}/train-00002.safetensors`);
    const file = await open(path, 'r+');
    await file.write(Buffer.of(255, 0, 255), 0, 3, 3000);
    await file.close();
    const split = await openSplit(store, ref, 'train');
    const read = (row: number) => split.read(Int32Array.of(row), new Uint8Array(1024), new Int32Array(1));
    await read(19);
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(read(20)).rejects.toMatchObject({
        code: 'CorruptArtifact',
        message: expect.stringMatching(
          /train-00002\.safetensors is damaged: expected SHA-256 .* makes this dataset again/,
        ),
      });
    await split.close();
    await expect(loadSplit(store, ref, 'train')).rejects.toMatchObject({ code: 'CorruptArtifact' });
  });

  it('says how far the check is, and checks each shard once', async () => {
    const { ref } = await prepare(generated);
    const told: number[] = [];
    const split = await openSplit(store, ref, 'train', (done, total) => told.push(done, total));
    for (let turn = 0; turn < 2; turn++) await split.read(everyRow(44), new Uint8Array(44 * 1024), new Int32Array(44));
    await split.close();
    expect(told.filter((_, at) => at % 2 === 0)).toEqual([0, 10, 10, 20, 20, 30, 30, 40, 40, 44]);
    expect(new Set(told.filter((_, at) => at % 2 === 1))).toEqual(new Set([44]));
  });

  it('has a test set that is known by its own images, whatever it is trained on', async () => {
    const testSet = async (limit: object) => testSetOf(store, (await prepare({ ...generated, limit, test: 0.4 })).ref);
    const whole = await testSet({});
    expect(await testSet({ train: 20 })).toBe(whole);
    expect(await testSet({ test: 12 })).not.toBe(whole);
  });

  it('that another version wrote is refused, with what to do', async () => {
    const { about } = await prepare(generated);
    const old = { ...about, splits: { train: { file: 'train.safetensors', count: 1, perClass: [1, 0] } } };
    const ref = await writeArtifact(store, { kind: 'dataset', about: old, files: [] });
    for (const read of [describeDataset, testSetOf, (...of: Parameters<typeof testSetOf>) => openSplit(...of, 'train')])
      await expect(read(store, ref)).rejects.toMatchObject({
        code: 'CorruptArtifact',
        message: expect.stringMatching(/another version of Contrail. Run the prepare-data step again/),
      });
  });
});

/** Images of one value each, some of which cannot be used; each takes as long as `wait` says. */
const slowly = (count: number, wait: (row: number) => number): RawSplit => ({
  count,
  labels: new Int32Array(count),
  digests: new Uint8Array(count * 32),
  nameOf: (row) => `image ${row}`,
  read: async (row) => {
    await new Promise((resolve) => setTimeout(resolve, wait(row)));
    if (row % 7 === 3) return { rejected: 'is a three' };
    return { pixels: new Uint8Array(1024).fill(row), height: 32, width: 32, channels: 1, label: 0 };
  },
});

describe('reading images', () => {
  const readAll = async (split: RawSplit) => {
    const rejected: RejectedImage[] = [];
    const images: (number | undefined)[] = [];
    const how = { phase: 'images', form, rejected } as const;
    for await (const { pixels } of readImages(split, [...everyRow(split.count)], how, {})) images.push(pixels[0]);
    return { images, rejected };
  };

  it('keeps the order, however long each image takes', async () => {
    const expected = await readAll(slowly(60, () => 0));
    expect(expected.images).toHaveLength(60 - 9);
    expect(await readAll(slowly(60, (row) => (row % 16 === 0 ? 20 : 0)))).toEqual(expected);
    expect(await readAll(slowly(60, (row) => 16 - (row % 16)))).toEqual(expected);
    expect(expected.rejected.slice(0, 2)).toEqual([
      { path: 'image 3', reason: 'is a three' },
      { path: 'image 10', reason: 'is a three' },
    ]);
  });

  it('holds one shard and what is being decoded, and nothing more', async () => {
    let started = 0;
    let stored = 0;
    let most = 0;
    const split = slowly(300, () => 0);
    const counting: RawSplit = {
      ...split,
      read: (row) => {
        started++;
        most = Math.max(most, started - stored);
        return split.read(row);
      },
    };
    const rejected: RejectedImage[] = [];
    const artifact = createArtifactWriter(store, 'dataset');
    const writer = createShardWriter(
      {
        take: artifact.take,
        add: async (path, content) => {
          await artifact.add(path, content);
          stored = started - 16;
        },
      },
      { classes: 1, form, shardBytes },
    );
    const how = { phase: 'images', form, rejected } as const;
    for await (const image of readImages(counting, [...everyRow(300)], how, {})) await writer.add('train', image);
    await writer.finish('train');
    await artifact.discard();
    expect(started).toBe(300);
    // Ten to store, at most two of each ten rejected, and twice those under way.
    expect(most).toBeLessThanOrEqual(10 + 2 + 2 * 16);
  });
});

describe('grey images before the first in colour', () => {
  it('repeat their grey, in the shards that were written already too', async () => {
    const make = async (name: string, index: number, channels: 1 | 3) => {
      await mkdir(join(folder, 'images/train', name), { recursive: true });
      const raw = Buffer.from(Array.from({ length: 1024 * channels }, (_, at) => (at * (index + 3)) % 251));
      await sharp(raw, { raw: { width: 32, height: 32, channels } })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .png()
        .toFile(join(folder, 'images/train', name, `${String(index).padStart(2, '0')}.png`));
    };
    for (let index = 0; index < 14; index++) await make('a', index, 1);
    await make('b', 0, 3);
    await make('b', 1, 1);
    const params = { dataset: 'image-folder', path: join(folder, 'images'), validation: 0, test: 0 };
    const { ref, about } = await prepare(params, 5 * 32 * 32 * 3);
    expect(about.image.channels).toBe(3);
    expect(about.splits.train.shards.map(({ count }) => count)).toEqual([5, 5, 5, 1]);
    const { images } = await loadSplit(store, ref, 'train');
    const pixelOf = (row: number, at: number, channel: number) => {
      const [index, channels] = row < 14 ? [row, 1] : row === 14 ? [0, 3] : [1, 1];
      return ((channels === 1 ? at : 3 * at + channel) * (index + 3)) % 251;
    };
    const expected = Uint8Array.from({ length: 16 * 3072 }, (_, at) =>
      pixelOf(Math.floor(at / 3072), Math.floor((at % 3072) / 3), at % 3),
    );
    expect(Buffer.compare(images, expected)).toBe(0);
    for (let channel = 0; channel < 3; channel++) {
      const own = expected.filter((_, at) => at % 3 === channel);
      const mean = own.reduce((sum, value) => sum + value / 255, 0) / own.length;
      const variance = own.reduce((sum, value) => sum + (value / 255 - mean) ** 2, 0) / own.length;
      expect(about.mean[channel]).toBeCloseTo(mean, 10);
      expect(about.deviation[channel]).toBeCloseTo(Math.sqrt(variance), 10);
    }
    expect(await readdir(join(folder, 'store/staging')).catch(() => [])).toEqual([]);
  });

  it('give the same statistics in any order', () => {
    const image = (channels: 1 | 3, seed: number): Pick<PreparedImage, 'pixels' | 'channels'> => ({
      channels,
      pixels: Uint8Array.from({ length: 1024 * channels }, (_, at) => (at * seed) % 256),
    });
    const images = [image(1, 3), image(3, 5), image(1, 7), image(3, 11)];
    const result = (order: readonly Pick<PreparedImage, 'pixels' | 'channels'>[]) => {
      const statistics = createPixelStatistics();
      for (const each of order) statistics.add(each);
      return statistics.result(3);
    };
    expect(result(images.toReversed())).toEqual(result(images));
  });
});
