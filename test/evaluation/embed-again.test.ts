import { mkdir } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { embedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { findImage, forgetImage, prepareDataset } from '../../datasets/index.ts';
import { gatherEmbedding, planEmbedding } from '../../vectors/embedding/index.ts';
import {
  type Embedded,
  embedAll,
  encoder,
  folder,
  photo,
  photoEncoder,
  photos,
  store,
  useEmbedded,
} from './embedded.ts';

useEmbedded();

/** Embeddings that are kept, lost, damaged or forgotten, and images that are embedded once more. */
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
