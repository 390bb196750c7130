import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { embedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { type VectorRow, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { findImage, forgetImage, prepareDataset, randomUint32 } from '../../datasets/index.ts';
import { createEmbedShard, stepJobs } from '../../evaluation/index.ts';
import { decodeSafetensors, float32, openStore, readAbout, readArtifactFile, type Store } from '../../store/index.ts';
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

/**
 * Images are embedded as the activities of the step do it, without the workflow around them: listed, embedded shard by shard by
 * an encoder that was really trained, and gathered.
 */
let folder = '';
let store: Store;
let encoder: ArtifactRef;
let photoEncoder: ArtifactRef;
let dataset: ArtifactRef;
const embedShard = createEmbedShard();
const context = {
  store: undefined as unknown as Store,
  key: { run: 'r', step: 's' },
  stopRequested: () => false,
  progress: () => {},
};

interface Embedded {
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

async function embedAll(
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

const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
const embeddingsOf = ({ rows }: Embedded) => new Map(rows.map(({ name, embedding }) => [name, embedding]));

/** A photo of noise and a gradient that no other has. */
async function photo(path: string, seed: number, { width = 40, height = 30 } = {}) {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => (randomUint32(seed, String(at % 97)) % 200) + (at % 3) * 10,
  );
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  await writeFile(path, await (path.endsWith('.png') ? image.png() : image.jpeg({ quality: 95 })).toBuffer());
}

const photos = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  store = openStore(join(folder, 'store'));
  const prepare = async (params: object) =>
    (await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder })).ref;
  dataset = await prepare({ dataset: 'generated', generated: { classes: 3, images: 700, channels: 3 }, test: 0.4 });
  for (const label of ['cats', 'dogs'])
    for (let at = 0; at < 12; at++) {
      await mkdir(photos(`training/${label}`), { recursive: true });
      await photo(photos(`training/${label}/${at}.jpg`), at + (label === 'cats' ? 0 : 100), { width: 120, height: 90 });
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

describe('images of a data set', () => {
  it('have the embeddings of `embed`, to the bit, whatever the size of the shards', async () => {
    const { embeddings: ref } = await stepJobs.embed(
      { ...context.key, encoder, dataset, parameters: { splits: ['train'] } },
      { ...context, store },
    );
    const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, 'train-00000.safetensors'));
    const expected = float32(tensors.get('embeddings') as NonNullable<ReturnType<typeof tensors.get>>);
    const dimension = expected.length / (tensors.get('labels')?.shape[0] ?? 1);
    const large = await embedAll({ splits: ['train'], shardImages: 1000 }, { of: dataset, keep: true });
    expect(large.rows.length * dimension).toBe(expected.length);
    const small = await embedAll({ splits: ['train'], shardImages: 90, pictures: false }, { of: dataset });
    expect([large.result.shards, small.result.shards]).toEqual([1, Math.ceil(small.rows.length / 90)]);
    expect(embeddingsOf(small)).toEqual(embeddingsOf(large));
    for (const [row, { embedding, split, label }] of large.rows.entries()) {
      expect(embedding).toBe(bits(expected.subarray(row * dimension, (row + 1) * dimension)));
      expect({ split, known: label !== undefined }).toEqual({ split: 'train', known: true });
    }
  }, 60_000);
});

describe('images of a folder of any layout', () => {
  let mixed: Embedded;
  beforeAll(async () => {
    mixed = await embedAll({ images: { path: photos('mixed') }, shardImages: 7 });
  }, 60_000);

  it('are all accounted for: embedded, rejected with a reason, or ignored', () => {
    const { found, images, rejected, ignored, reasons, labels } = mixed.result;
    expect({ found, images, rejected, ignored, labels }).toEqual({
      found: 45,
      images: 42,
      rejected: 2,
      ignored: 1,
      labels: 'none',
    });
    expect(reasons.flatMap(({ first }) => first).sort()).toEqual(['broken.jpg', 'notes.txt']);
    expect(mixed.rows.map(({ name }) => name)).toEqual(mixed.rows.map(({ name }) => name).sort());
  });

  it('are embedded once where two files are the same', () => {
    expect(mixed.images).toBe(41);
    const all = embeddingsOf(mixed);
    expect(all.get('copy.jpg')).toBe(all.get('loose.jpg'));
    expect(new Set(all.values()).size).toBe(41);
  });

  it('have a picture of at most 96 pixels each, and statistics between 0 and 1', async () => {
    expect(mixed.pictures).toHaveLength(42);
    expect(await sharp(mixed.pictures[5]).metadata()).toMatchObject({ format: 'webp', width: 32, height: 32 });
    for (const { brightness, contrast, saturation } of mixed.rows)
      for (const value of [brightness, contrast, saturation]) {
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThan(1);
      }
  });

  it('have the same embedding in another shard and place', async () => {
    const names = ['loose.jpg', 'summer/3.jpg', 'summer/19.jpg', 'summer/beach/11.png'];
    await mkdir(photos('few'), { recursive: true });
    for (const [at, name] of names.entries()) await copyFile(photos(`mixed/${name}`), photos(`few/${9 - at}`));
    for (let at = 0; at < 300; at++) await photo(photos(`few/other-${at}.png`), 1000 + at, { width: 16, height: 16 });
    const without = embedImagesParameters.parse({ images: { path: photos('few') }, pictures: false, shardImages: 290 });
    // Without pictures it is another place, so nothing is taken over.
    const few = await embedAll(without);
    expect(few.images).toBe(304);
    const all = embeddingsOf(mixed);
    for (const [at, name] of names.entries()) expect(embeddingsOf(few).get(String(9 - at))).toBe(all.get(name));
  }, 60_000);

  it('are taken over by a later run, which embeds what is new alone and gives the same artifact for the same folder', async () => {
    const again = await embedAll({ images: { path: photos('mixed') }, shardImages: 7 });
    expect(again.images).toBe(0);
    expect(again.vectors).toEqual(mixed.vectors);
    await photo(photos('mixed/a-new-one.jpg'), 777);
    const more = await embedAll({ images: { path: photos('mixed') }, shardImages: 7 });
    await rm(photos('mixed/a-new-one.jpg'));
    expect(more.images).toBe(1);
    expect(more.result.images).toBe(43);
    for (const [name, embedding] of embeddingsOf(mixed)) expect(embeddingsOf(more).get(name)).toBe(embedding);
  }, 60_000);

  it('are rejected where they change or vanish between the list and their shard', async () => {
    await mkdir(photos('moving'), { recursive: true });
    for (let at = 0; at < 4; at++) await photo(photos(`moving/${at}.jpg`), 300 + at);
    const { result, rows } = await embedAll(
      { images: { path: photos('moving') } },
      {
        betweenListAndShards: async () => {
          await photo(photos('moving/1.jpg'), 999);
          await rm(photos('moving/2.jpg'));
        },
      },
    );
    expect(rows.map(({ name }) => name)).toEqual(['0.jpg', '3.jpg']);
    expect(result.reasons.map(({ reason, first }) => [first[0], reason])).toEqual([
      ['1.jpg', expect.stringContaining('changed while')],
      ['2.jpg', expect.stringContaining('vanished')],
    ]);
  });

  it('are not taken for vanished where the folder is not on the machine at all', async () => {
    await mkdir(photos('elsewhere'), { recursive: true });
    await photo(photos('elsewhere/0.jpg'), 400);
    await expect(
      embedAll(
        { images: { path: photos('elsewhere') } },
        { betweenListAndShards: () => rm(photos('elsewhere'), { recursive: true }) },
      ),
    ).rejects.toThrow(/cannot be read on this machine.*mount it there/s);
  });

  it('have their folder as class where each lies in one of several', async () => {
    const { result, rows } = await embedAll({ images: { path: photos('training') } });
    expect(result.labels).toBe('folder');
    expect(rows.map(({ label }) => label)).toEqual([...Array(12).fill('cats'), ...Array(12).fill('dogs')]);
    const none = await embedAll({ images: { path: photos('training'), labels: 'none' } });
    expect([none.result.labels, none.rows[0]?.label]).toEqual(['none', undefined]);
    const asked = await embedAll({ images: { path: photos('mixed'), labels: 'folder' } });
    expect(new Map(asked.rows.map(({ name, label }) => [name, label])).get('summer/beach/3.png')).toBe('summer');
    expect(asked.rows.find(({ name }) => name === 'loose.jpg')?.label).toBeUndefined();
  }, 60_000);

  it('may be none where that is allowed, but not none that can be used', async () => {
    await mkdir(photos('quiet'), { recursive: true });
    const given = { images: { path: photos('quiet') }, allowEmpty: true };
    const { result, rows } = await embedAll(given);
    expect([result.images, result.found, result.shards, rows]).toEqual([0, 0, 0, []]);
    await writeFile(photos('quiet/a.txt'), 'no');
    await expect(embedAll(given)).rejects.toThrow(/No image of .* can be used.*a\.txt/s);
    const gone = { images: { path: photos('never') }, allowEmpty: true };
    await expect(embedAll(gone)).rejects.toThrow(/never does not exist/);
  });

  it('are refused where none can be used, or more are unusable than may be', async () => {
    await mkdir(photos('nothing'), { recursive: true });
    await expect(embedAll({ images: { path: photos('nothing') } })).rejects.toThrow('There is no image in');
    await writeFile(photos('nothing/a.txt'), 'no');
    await expect(embedAll({ images: { path: photos('nothing') } })).rejects.toThrow(
      /No image of .* can be used.*a\.txt/s,
    );
    await expect(embedAll({ images: { path: photos('mixed') }, maximumRejected: 1 })).rejects.toThrow(
      /2 files of .* cannot be used, and maximumRejected is 1/,
    );
  });
});

describe('an image that is to be forgotten', () => {
  it('leaves the files of its shard, waits for nobody, and is embedded no more', async () => {
    await mkdir(photos('private'), { recursive: true });
    for (let at = 0; at < 6; at++) await photo(photos(`private/${at}.jpg`), 500 + at);
    const given = { images: { path: photos('private') }, shardImages: 2 };
    const before = await embedAll(given, { keep: true });
    const source = before.rows[3]?.source ?? '';
    const waiting = await store.list('embedded');
    const first = await findImage(store, [source]);
    const forgetting = { image: 'private/3.jpg', by: 'test', requireQuiet: async () => {}, cacheFolder: folder };
    const { found } = await forgetImage(store, first, forgetting);
    expect(found.uses.emptied).toEqual([
      { artifact: before.vectors, files: ['vectors-00001.safetensors', 'pictures-00001.safetensors'] },
    ]);
    expect(waiting.length - (await store.list('embedded')).length).toBe(1);
    const after = await embedAll({ ...given, shardImages: 3 });
    expect(after.result).toMatchObject({ images: 5, rejected: 1 });
    expect(after.result.reasons).toMatchObject([{ first: ['3.jpg'], reason: expect.stringContaining('forgotten') }]);
  });
});

describe('a data set that lost an image', () => {
  it('is embedded without the files that held it where that is allowed, be it all, and else names what can be done', async () => {
    for (const [at, label] of ['x', 'y'].entries()) {
      await mkdir(photos(`lost/${label}`), { recursive: true });
      for (let n = 0; n < 12; n++) await photo(photos(`lost/${label}/${n}.jpg`), 2000 + 100 * at + n);
    }
    const { ref } = await prepareDataset(
      store,
      prepareDataParameters.parse({
        ...{ dataset: 'image-folder', path: photos('lost'), size: 96, fit: 'crop' },
        ...{ test: 0.25, validation: 0.1, seed: 5 },
      }),
      { cacheFolder: folder },
    );
    const given = { splits: ['train', 'test'] };
    const by = { by: photoEncoder, of: ref };
    const before = await embedAll(given, by);
    for (const split of ['train', 'test'] as const) {
      const { source = '', name: image = '' } = before.rows.find((row) => row.split === split) ?? {};
      const forgetting = { image, by: 'test', requireQuiet: async () => {}, cacheFolder: folder };
      await forgetImage(store, await findImage(store, [source]), forgetting);
      await expect(embedAll(given, by)).rejects.toThrow(/cannot be read again.*contrail retry.*allowLost: true/);
      const left = await embedAll({ ...given, allowLost: true }, by);
      expect(left.rows).toEqual(split === 'train' ? before.rows.filter(({ split }) => split === 'test') : []);
      expect(left.result.images + left.result.rejected).toBe(before.rows.length);
      expect(left.result.reasons).toMatchObject([{ reason: expect.stringContaining('was forgotten') }]);
    }
  }, 60_000);

  it('is no folder', () => {
    expect(() => embedImagesParameters.parse({ images: { path: 'photos' }, allowLost: true })).toThrow('of `splits`');
  });
});

describe('embeddings of an earlier result', () => {
  const files = (ref: ArtifactRef) => `artifacts/vectors/${ref.digest}`;
  let given: { readonly images: { readonly path: string }; readonly shardImages: number };
  let before: Embedded;
  beforeAll(async () => {
    await mkdir(photos('kept'), { recursive: true });
    for (let at = 0; at < 6; at++) await photo(photos(`kept/${at}.jpg`), 700 + at);
    given = { images: { path: photos('kept') }, shardImages: 2 };
    before = await embedAll(given);
  });

  it.each(['vectors', 'pictures', 'rows'])('are made again where the %s of a shard are gone', async (name) => {
    const file = name === 'rows' ? 'rows-00001.jsonl' : `${name}-00001.safetensors`;
    await store.remove(`${files(before.vectors)}/${file}`);
    const after = await embedAll(given);
    expect([after.images, after.vectors]).toEqual([2, before.vectors]);
    expect(await store.exists(`${files(before.vectors)}/${file}`)).toBe(true);
  });

  it.each(['vectors', 'pictures'])(
    'are made again where the %s of shards are damaged, once that is found',
    async (name) => {
      for (const shard of [0, 2]) {
        const path = `${files(before.vectors)}/${name}-0000${shard}.safetensors`;
        const bytes = Uint8Array.from(await store.read(path));
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 255;
        await store.write(path, bytes);
      }
      await expect(embedAll(given)).rejects.toMatchObject({ code: 'CorruptArtifact' });
      const after = await embedAll(given);
      expect([after.images, after.vectors]).toEqual([4, before.vectors]);
      // The damaged files have been replaced.
      expect((await embedAll(given)).images).toBe(0);
    },
  );

  it('are made again where the rows of a shard are damaged', async () => {
    await store.write(
      `${files(before.vectors)}/rows-00000.jsonl`,
      (await store.read(`${files(before.vectors)}/rows-00000.jsonl`)).toReversed(),
    );
    expect((await embedAll(given)).images).toBe(2);
    expect((await embedAll(given)).images).toBe(0);
  });

  it('are made again without an image that was forgotten', async () => {
    const source = before.rows[3]?.source ?? '';
    const first = await findImage(store, [source]);
    const forgetting = { image: 'kept/3.jpg', by: 'test', requireQuiet: async () => {}, cacheFolder: folder };
    await forgetImage(store, first, forgetting);
    const after = await embedAll(given);
    expect([after.images, after.result.images, after.result.rejected]).toEqual([1, 5, 1]);
  });

  it('are still known after those of a few other images each week', async () => {
    await mkdir(photos('catalogue'), { recursive: true });
    for (let at = 0; at < 9; at++) await photo(photos(`catalogue/${at}.jpg`), 900 + at);
    const catalogue = { images: { path: photos('catalogue') } };
    const { vectors } = await embedAll(catalogue);
    for (const [week, name] of ['recent', 'recent', 'recent', 'a', 'b', 'c', 'recent'].entries()) {
      await mkdir(photos(name), { recursive: true });
      await photo(photos(`${name}/week-${week}.jpg`), 950 + week);
      expect((await embedAll({ images: { path: photos(name) } })).images).toBe(1);
    }
    const again = await embedAll(catalogue);
    expect([again.images, again.vectors]).toEqual([0, vectors]);
  });

  it('leave no pieces of an embedding that did not end, where they hold all of them', async () => {
    await mkdir(photos('interrupted'), { recursive: true });
    for (let at = 0; at < 6; at++) await photo(photos(`interrupted/${at}.jpg`), 1100 + at);
    const of = { images: { path: photos('interrupted') }, shardImages: 2 };
    const pieces = async () => (await store.list('embedded')).filter(({ path }) => path.includes('/pieces/')).length;
    const before = await pieces();
    await embedAll(of, { keep: true });
    await photo(photos('interrupted/5.jpg'), 1199);
    expect(await pieces()).toBe(before + 3);
    expect((await embedAll(of)).images).toBe(1);
    // One holds an image that has changed since.
    expect(await pieces()).toBe(before + 1);
  });

  it('are found where another embedding has gathered them while this one does', async () => {
    await mkdir(photos('shared'), { recursive: true });
    for (let at = 0; at < 6; at++) await photo(photos(`shared/${at}.jpg`), 800 + at);
    const shared = embedImagesParameters.parse({ images: { path: photos('shared') }, shardImages: 2 });
    const other = await embedAll(shared, { keep: true });
    const { plan, folder: at } = await planEmbedding(
      store,
      { run: 'embedding', step: 'late' },
      { encoder, dataset: undefined, parameters: shared },
      { cacheFolder: folder },
    );
    expect(plan.images).toBe(0);
    let pieces = 0;
    const read = async (path: string) => {
      if (path.includes('/pieces/') && ++pieces === 2) await other.end();
      return store.read(path);
    };
    const { vectors } = await gatherEmbedding({ ...store, read }, at, shared, { onProgress: () => {} });
    expect([pieces >= 2, vectors]).toEqual([true, other.vectors]);
  });
});

describe('photos of an encoder that was trained on cropped JPEG files', () => {
  it('are brought to the form of its data set, with the same bits', async () => {
    const photoSet = (
      await readAbout(store, photoEncoder, (await import('../../contracts/encoder.ts')).encoderAboutSchema)
    ).dataset as string;
    const ofSet = await embedAll(
      { splits: ['train', 'validation', 'test'] },
      { by: photoEncoder, of: { kind: 'dataset', digest: photoSet } },
    );
    const ofFolder = await embedAll({ images: { path: photos('training') } }, { by: photoEncoder });
    expect(embeddingsOf(ofFolder)).toEqual(new Map([...embeddingsOf(ofSet)].sort(([a], [b]) => (a < b ? -1 : 1))));
  }, 60_000);
});

describe('a table', () => {
  it('names images, with or without a label, and rows that cannot be used are rejected', async () => {
    await writeFile(
      photos('mixed/../table.csv'),
      ['image,label,group', 'mixed/loose.jpg,coat,1', 'mixed/summer/3.jpg,,2', 'mixed/gone.jpg,coat,3', ''].join('\n'),
    );
    const { result, rows } = await embedAll({ images: { path: photos('table.csv') } });
    expect(rows.map(({ name, label, group }) => [name, label, group])).toEqual([
      ['mixed/loose.jpg', 'coat', '1'],
      ['mixed/summer/3.jpg', undefined, '2'],
    ]);
    expect(result).toMatchObject({ found: 3, rejected: 1, labels: 'table' });
    await writeFile(photos('plain.csv'), 'image\nmixed/loose.jpg\n');
    expect((await embedAll({ images: { path: photos('plain.csv') } })).result.labels).toBe('none');
    await expect(
      embedAll({ images: { path: photos('plain.csv'), columns: { image: 'image', label: 'kind' } } }),
    ).rejects.toThrow(/kind/);
  });
});
