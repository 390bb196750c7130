/**
 * Images are embedded as the activities of the step do it, without the workflow around them: listed, embedded shard by shard by
 * an encoder that was really trained, and gathered.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { embedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { type VectorRow, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { prepareDataset, randomUint32 } from '../../datasets/index.ts';
import { createEmbedShard } from '../../evaluation/index.ts';
import { openStore, readAbout, type Store } from '../../store/index.ts';
import {
  endEmbedding,
  gatherEmbedding,
  planEmbedding,
  readOutcome,
  shardListPath,
  writeOutcome,
} from '../../vectors/embedding/index.ts';
import { readPictures, readShardRows, readVectors } from '../../vectors/shards.ts';
import { openRun, trainEpochs } from '../training/run.ts';

export let folder: string;
export let store: Store;
export let encoder: ArtifactRef;
export let photoEncoder: ArtifactRef;
export let dataset: ArtifactRef;
const embedShard = createEmbedShard();
export const context = {
  store: undefined as unknown as Store,
  key: { run: 'r', step: 's' },
  stopRequested: () => false,
  progress: () => {},
};

export interface Embedded {
  readonly name: string;
  readonly vectors: ArtifactRef;
  readonly result: Awaited<ReturnType<typeof gatherEmbedding>>;
  readonly rows: readonly (VectorRow & { readonly embedding: string })[];
  readonly pictures: readonly Uint8Array[];
  /** Images that were really embedded. */
  readonly images: number;
  /** Ends the embedding, where it was kept from its end. */
  readonly end: () => Promise<void>;
}

export async function embedAll(
  given: object,
  {
    by = encoder,
    of,
    step = `s${randomUint32(1, String(Math.random())).toString(36)}`,
    betweenListAndShards = async () => {},
    keep = false,
  }: {
    readonly by?: ArtifactRef;
    readonly of?: ArtifactRef;
    readonly step?: string;
    readonly betweenListAndShards?: () => Promise<void>;
    readonly keep?: boolean;
  } = {},
): Promise<Embedded> {
  const parameters = embedImagesParameters.parse(given);
  const key = { run: 'embedding', step };
  const { plan, folder: at } = await planEmbedding(
    store,
    key,
    { encoder: by, dataset: of, parameters },
    { cacheFolder: folder },
  );
  await betweenListAndShards();
  let images = 0;
  for (let shard = 0; shard < plan.shards; shard++) {
    const outcome = await embedShard(
      {
        ...key,
        encoder: by,
        ...(of ? { dataset: of } : {}),
        list: shardListPath(at, shard),
        place: plan.place,
        ...(plan.root === undefined ? {} : { root: plan.root }),
        pictures: parameters.pictures,
      },
      { ...context, store },
    );
    images += outcome.images;
    await writeOutcome(store, at, shard, outcome);
    expect(await readOutcome(store, at, shard)).toEqual(outcome);
  }
  const result = await gatherEmbedding(store, at, parameters, { onProgress: () => {} });
  const end = () => endEmbedding(store, key, at, result.vectors);
  if (!keep) await end();
  const about = await readAbout(store, result.vectors, vectorsAboutSchema);
  const rows: Embedded['rows'][number][] = [];
  const pictures: Uint8Array[] = [];
  for (const shard of about.shards) {
    const values = await readVectors(store, result.vectors, shard, about.dimension);
    const own = await readShardRows(store, result.vectors, shard);
    pictures.push(...((await readPictures(store, result.vectors, shard)) ?? []));
    for (const [row, known] of own.entries())
      rows.push({ ...known, embedding: bits(values.subarray(row * about.dimension, (row + 1) * about.dimension)) });
  }
  return { name: step, vectors: result.vectors, result, rows, pictures, images, end };
}

export const bits = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
export const embeddingsOf = ({ rows }: Embedded) => new Map(rows.map(({ name, embedding }) => [name, embedding]));

/** A photo of noise and a gradient that no other has. */
export async function photo(path: string, seed: number, { width = 40, height = 30 } = {}) {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => (randomUint32(seed, String(at % 97)) % 200) + (at % 3) * 10,
  );
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  await writeFile(path, await (path.endsWith('.png') ? image.png() : image.jpeg({ quality: 95 })).toBuffer());
}

export const photos = (name: string) => join(folder, name);

/** Makes the data set, the encoders and the photos for the tests of the file that calls this. */
export function useEmbedded(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
    store = openStore(join(folder, 'store'));
    const prepare = async (params: object) =>
      (await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder })).ref;
    dataset = await prepare({ dataset: 'generated', generated: { classes: 3, images: 700, channels: 3 }, test: 0.4 });
    for (const label of ['cats', 'dogs'])
      for (let at = 0; at < 12; at++) {
        await mkdir(photos(`training/${label}`), { recursive: true });
        await photo(photos(`training/${label}/${at}.jpg`), at + (label === 'cats' ? 0 : 100), {
          width: 120,
          height: 90,
        });
      }
    const photoSet = await prepare({
      dataset: 'image-folder',
      path: photos('training'),
      size: 96,
      fit: 'crop',
      test: 0.25,
      validation: 0.1,
    });
    const config = {
      encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
      projection: { hidden: 16, output: 8 },
      optimizer: { name: 'adam', learningRate: 0.01 },
      batch: 8,
      epochs: 1,
    };
    ({ encoder } = (await trainEpochs(openRun({ store, run: 'trained', dataset, config }), 1)).made);
    ({ encoder: photoEncoder } = (
      await trainEpochs(openRun({ store, run: 'photos', dataset: photoSet, config }), 1)
    ).made);
    await mkdir(photos('mixed/summer/beach'), { recursive: true });
    for (let at = 0; at < 20; at++) await photo(photos(`mixed/summer/${at}.jpg`), at);
    for (let at = 0; at < 20; at++)
      await photo(photos(`mixed/summer/beach/${at}.png`), 50 + at, { width: 20, height: 60 });
    await photo(photos('mixed/loose.jpg'), 99);
    await writeFile(photos('mixed/notes.txt'), 'not an image');
    await writeFile(photos('mixed/broken.jpg'), Buffer.from('ffd8ffe000104a46494600', 'hex'));
    await writeFile(photos('mixed/summer/Thumbs.db'), 'left behind');
    await copyFile(photos('mixed/loose.jpg'), photos('mixed/copy.jpg'));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));
}
