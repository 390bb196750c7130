import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { createDatasetWriter } from '../../datasets/dataset-writer.ts';
import { writePiece } from '../../datasets/earlier/pieces.ts';
import {
  adoptDataset,
  findImage,
  forgetImage,
  imageNamed,
  openSplit,
  readRowDigests,
  readRows,
} from '../../datasets/index.ts';
import { imageAnswers } from '../../evaluation/comparison/image-answers.ts';
import {
  cacheKey,
  damageIn,
  digestOf,
  emptiedAt,
  encodeSafetensors,
  isEmptied,
  listCacheKeys,
  loadForgotten,
  piecesIn,
  readArtifact,
  type Store,
  saveCacheEntry,
  saveForgotten,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';
import { folder, images, prepare, twoClasses, useImageFolders, write } from './image-folder.ts';

useImageFolders();

/** A photo that nobody may keep: in which files of a store it is, and that it is in none afterwards. */
const name = 'train/coat/person.png';
const noisy = (seed: number) =>
  sharp(
    Buffer.from(Array.from({ length: 40 * 40 * 3 }, (_, at) => (at * 7919 + seed * 104_729 + ((at * at) % 251)) % 256)),
    { raw: { width: 40, height: 40, channels: 3 } },
  );
let photo: Buffer;
let digest: string;

beforeEach(async () => {
  photo = await noisy(1).png().toBuffer();
  digest = digestOf(photo).sha256;
  await write({ ...twoClasses, [name]: photo, 'test/coat': 1, 'test/shirt': 1 });
});

const quiet = { image: name, by: 'me@here', requireQuiet: async () => {}, cacheFolder: '/nowhere' };
const rowOf = async (store: Store, ref: ArtifactRef) =>
  (await readRowDigests(store, ref, 'train'))?.source.indexOf(digest) ?? -1;

/** The files of a store that hold some bytes. */
async function holding(store: Store, wanted: Uint8Array): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['artifacts', 'cache', 'forgotten', 'preparations', 'runs', 'staging'])
    for (const { path } of await store.list(folder))
      if (Buffer.from(await store.read(path)).includes(Buffer.from(wanted))) found.push(path);
  return found;
}

const answers = encodeSafetensors([
  { name: 'labels', dtype: 'I32', shape: [1], data: new Uint8Array(4) },
  { name: 'probabilities', dtype: 'F32', shape: [1, 1], data: new Uint8Array(4) },
]);

/** What a run makes of a data set: an encoder, a measure with answers and training images, pages; and a result that others take. */
async function madeWith(store: Store, run: string, dataset: ArtifactRef) {
  const encoder = await writeArtifact(store, {
    ...{ kind: 'encoder', about: { dataset: dataset.digest } },
    files: [{ path: 'encoder.safetensors', content: Buffer.from(`weights of ${run}`) }],
  });
  const evaluation = await writeArtifact(store, {
    ...{ kind: 'evaluation', about: { encoder, dataset, run } },
    files: [
      { path: 'evaluation.json', content: Buffer.from('{}') },
      { path: 'predictions.safetensors', content: answers },
      { path: 'known.safetensors', content: Buffer.from('embeddings of training images') },
    ],
  });
  const fingerprint = JSON.stringify({ run });
  const result = { dataset: { ...dataset }, encoder: { ...encoder } };
  await saveStepResult(store, { run, step: 'data' }, { fingerprint, result });
  await saveCacheEntry(store, { fingerprint, result, run, step: 'data', createdAt: '2026-01-01T00:00:00.000Z' });
  for (const page of ['report.html', 'plots/map.svg', 'data-files.tsv'])
    await store.write(`runs/${run}/report/${page}`, Buffer.from('x'));
  for (const file of ['sprite.png', 'events.out.tfevents.0000000001.contrail.epoch'])
    await store.write(`runs/${run}/tensorboard/pretrain/${file}`, Buffer.from('x'));
  return { encoder, evaluation, key: cacheKey(fingerprint) };
}

const filesOf = async (store: Store, { kind, digest: of }: ArtifactRef) =>
  (await store.list(`artifacts/${kind}/${of}`)).map(({ path }) => path.split('/').at(-1)).sort();

describe('an image that is forgotten', () => {
  it('is in no file of the store any more, as its bytes, its pixels or the file that was made of it', async () => {
    const small = await prepare();
    const { store } = small;
    const large = await prepare({ size: 96 });
    const files = await writeArtifact(store, {
      ...{ kind: 'files', about: { is: 'folder', files: [{ path: 'a.png', file: 'f0' }] } },
      files: [
        { path: 'f0', content: photo },
        { path: 'f1', content: Buffer.from('another') },
      ],
    });
    const pixels = (await readRows(store, small.ref, 'train', Int32Array.of(await rowOf(store, small.ref)))).pixels;
    const open = await openSplit(store, large.ref, 'train');
    const [encoded = Buffer.alloc(0)] = (await open.readFiles?.(Int32Array.of(await rowOf(store, large.ref)))) ?? [];
    await open.close();
    expect(encoded.length).toBeGreaterThan(100);
    const before = await Promise.all([photo, pixels, encoded].map((bytes) => holding(store, bytes)));
    expect(before.map(({ length }) => length)).toEqual([1, 1, 1]);

    const { found } = await forgetImage(store, await findImage(store, [digest]), quiet);
    expect(found.rows.get(small.ref.digest)).toEqual([{ split: 'train', row: 3, name }]);
    for (const bytes of [photo, pixels, encoded]) expect(await holding(store, bytes)).toEqual([]);
    expect(Buffer.from(await store.read(`artifacts/files/${files.digest}/f1`)).toString()).toBe('another');
  });

  it('is kept out of what is prepared next, says so, and counts as no mistake of the data', async () => {
    const { store, ref } = await prepare();
    await forgetImage(store, await findImage(store, [digest]), quiet);
    const again = await prepare({ maximumRejected: 0 });
    const today = new Date().toISOString().slice(0, 10);
    expect(again.about.rejected).toEqual([{ path: name, reason: `was forgotten on ${today}` }]);
    expect(again.about.splits.train.perClass).toEqual([3, 3]);
    expect(again.ref.digest).not.toBe(ref.digest);
    expect(again.summary.files).toEqual({ found: 9, used: 8, leftOut: 0, rejected: 1, ignored: 0 });
    expect(await readFile(again.list, 'utf8')).toContain(`was forgotten on ${today}`);
  });

  it('takes its exact copies with it: of the same bytes, or with the same pixels', async () => {
    await write({
      'train/shirt/again.png': photo,
      'test/coat/other-bytes.png': await noisy(1).png({ compressionLevel: 1 }).toBuffer(),
    });
    const { store, ref } = await prepare();
    const found = await findImage(store, [digest]);
    expect(found.sources).toHaveLength(2);
    expect(found.rows.get(ref.digest)?.map((row) => row.name)).toEqual([
      name,
      'train/shirt/again.png',
      'test/coat/other-bytes.png',
    ]);
    await forgetImage(store, found, quiet);
    expect((await prepare()).about.rejected).toHaveLength(3);
  });

  it('leaves what was learnt from it, and says which: encoders, runs; what was computed of it alone goes', async () => {
    const { store, ref } = await prepare();
    const { encoder, evaluation, key } = await madeWith(store, 'first', ref);
    const other = await madeWith(store, 'other', (await prepare({ limit: { train: 2 }, seed: 3 })).ref);
    const { found, record } = await forgetImage(store, await findImage(store, [digest]), quiet);
    expect(found.uses.trained).toContainEqual(encoder);
    expect(found.uses.runs.map(({ run }) => run)).toContain('first');
    expect(await loadForgotten(store)).toEqual([record]);
    expect(record).toMatchObject({ image: name, by: 'me@here', uses: { datasets: found.uses.datasets } });
    expect(await listCacheKeys(store)).not.toContain(key);
    // The image is in the training set: no measure on test images is of it, and what photos are compared with is.
    expect(await filesOf(store, evaluation)).toEqual([
      'evaluation.json',
      'forgotten.json',
      'manifest.json',
      'predictions.safetensors',
    ]);
    expect((await imageAnswers(store, evaluation))?.labels).toEqual(Int32Array.of(0));
    expect(await isEmptied(store, evaluation, 'known.safetensors')).toBe(true);
    expect((await readArtifact(store, encoder)).files).toHaveLength(1);
    expect(await damageIn(store, { encoder })).toBeNull();
    expect((await store.list('runs/first')).map(({ path }) => path)).toEqual([
      'runs/first/report/data-files.tsv',
      'runs/first/steps/data/result.json',
      'runs/first/tensorboard/pretrain/events.out.tfevents.0000000001.contrail.epoch',
    ]);
    const isIn = (await readRowDigests(store, ref, 'train'))?.source.includes(digest);
    expect(isIn).toBe(true);
    expect(other.encoder).toBeDefined();
  });

  it('of the test set: the answers and embeddings of evaluations go, and their numbers stay', async () => {
    const { store, ref } = await prepare();
    const { evaluation, encoder } = await madeWith(store, 'first', ref);
    const tested = (await readRowDigests(store, ref, 'test'))?.source[0] ?? '';
    const { found } = await forgetImage(store, await findImage(store, [tested]), quiet);
    expect(found.uses.trained).toEqual([]);
    expect(await imageAnswers(store, evaluation)).toBeNull();
    expect(await filesOf(store, evaluation)).toEqual([
      'evaluation.json',
      'forgotten.json',
      'known.safetensors',
      'manifest.json',
    ]);
    expect(await damageIn(store, { evaluation })).toMatch(
      /predictions\.safetensors was removed on .*, because an image was forgotten that this evaluation held\. Run the step/,
    );
    expect(await damageIn(store, { encoder })).toBeNull();
  });

  it('is found by its path in the data set, its file and its digest; not by a name of two images, or of none', async () => {
    const { store } = await prepare();
    expect(await imageNamed(store, name)).toBe(digest);
    expect(await imageNamed(store, join(images, name))).toBe(digest);
    expect(await imageNamed(store, digest)).toBe(digest);
    expect(await imageNamed(store, digest.toUpperCase())).toBe(digest);
    await writeFile(join(images, name), await noisy(2).png().toBuffer());
    await prepare();
    await expect(imageNamed(store, name)).rejects.toThrow(`${name} names 2 images. Name one by its SHA-256`);
    await rm(join(images, name));
    await expect(imageNamed(store, 'nobody.png')).rejects.toMatchObject({ code: 'Usage' });
  });

  it('is found by 8 or more digits of its digest; where several begin so, they are listed', async () => {
    const { store } = await prepare();
    expect(await imageNamed(store, digest.slice(0, 8))).toBe(digest);
    expect(await imageNamed(store, digest.slice(0, 20).toUpperCase())).toBe(digest);
    await expect(imageNamed(store, digest.slice(0, 7))).rejects.toThrow('is no file on this machine');
    await expect(imageNamed(store, '0123456789abcdef')).rejects.toThrow(
      'no image of the store has a SHA-256 that begins so',
    );
    const other = digest.slice(0, 8).padEnd(64, digest[8] === '0' ? '1' : '0');
    const uses = { datasets: [], emptied: [], trained: [], models: [], runs: [], unknown: [] };
    const at = '2026-11-27T00:00:00.000Z';
    await saveForgotten(store, {
      format: 'contrail-forgotten/1',
      image: 'b.png',
      by: 'me',
      at,
      sources: [other],
      uses,
    });
    const error: Error = await imageNamed(store, digest.slice(0, 8)).then(
      () => new Error('one was found'),
      (reason: Error) => reason,
    );
    expect(error.message).toMatch(/^The SHA-256 of 2 images begins with /);
    expect(error.message).toContain(`${digest} (${name})`);
    expect(error.message).toContain(`${other} (b.png)`);
    expect(await imageNamed(store, digest.slice(0, 9))).toBe(digest);
  });

  it('is not touched while a run uses it, but recorded before that is asked for good, so that a run that begins then does without', async () => {
    const { store, ref } = await prepare();
    const asking = (refuses: number) => {
      let asked = 0;
      return async () => {
        if (++asked === refuses) throw new Error('a run goes on');
      };
    };
    const forget = async (refuses: number) =>
      forgetImage(store, await findImage(store, [digest]), { ...quiet, requireQuiet: asking(refuses) });
    await expect(forget(1)).rejects.toThrow('a run goes on');
    expect(await loadForgotten(store)).toEqual([]);
    await expect(forget(2)).rejects.toThrow('a run goes on');
    expect(await damageIn(store, { ref })).toBeNull();
    expect((await prepare()).about.rejected).toHaveLength(1);
    await forget(0);
    expect(await damageIn(store, { ref })).toContain('was removed on');
  });

  it('is in no piece of a preparation that was killed, and in no file that was fetched', async () => {
    const { store, ref } = await prepare();
    const [place = ''] = (await store.folders('preparations')).map((form) => `preparations/${form}`);
    const pixels = (await readRows(store, ref, 'train', Int32Array.of(await rowOf(store, ref)))).pixels;
    const pieceOf = (source: string, content: Uint8Array) =>
      writePiece(store, place, [{ source: Buffer.from(source, 'hex'), content, channels: 3 }]);
    await pieceOf(digest, pixels);
    const stays = await pieceOf('0'.repeat(64), Buffer.from('other'));
    const cacheFolder = join(folder, 'fetched');
    await write({ [`urls/ab/key.${digest}`]: photo, [`urls/ab/key.${'0'.repeat(64)}`]: 'other' }, cacheFolder);
    await forgetImage(store, await findImage(store, [digest]), { ...quiet, cacheFolder });
    expect(await piecesIn(store, place)).toEqual([stays]);
    expect(await readdir(join(cacheFolder, 'urls/ab'))).toEqual([`key.${'0'.repeat(64)}`]);
    expect(await holding(store, pixels)).toEqual([]);
  });

  it('is not taken over from earlier data sets, also while their files are still there', async () => {
    const { store } = await prepare();
    const dying = { ...store, remove: () => Promise.reject(new Error('killed')) };
    await expect(forgetImage(dying, await findImage(store, [digest]), quiet)).rejects.toThrow('killed');
    const { about } = await prepare();
    expect(about.rejected.map(({ path }) => path)).toEqual([name]);
  });

  it("is refused in a data set that a step of the user's own writes", async () => {
    const { store } = await prepare();
    await forgetImage(store, await findImage(store, [digest]), quiet);
    const written = async (to: string, files: readonly string[]) => {
      const writer = createDatasetWriter(join(folder, to), { classes: ['coat', 'shirt'], validation: 0, test: 0 });
      for (const file of files) await writer.add({ file: join(images, file), class: file.split('/')[1] ?? '' });
      await writer.finish();
      return adoptDataset(store, join(folder, to), {});
    };
    const others = ['train/coat/0.png', 'train/shirt/0.png'];
    await expect(written('with', [...others, name])).rejects.toMatchObject({
      code: 'InvalidDataset',
      message: expect.stringContaining(`person.png (SHA-256 ${digest}) was forgotten on`),
    });
    expect((await written('without', others)).ref.kind).toBe('dataset');
  });

  it('is forgotten in the end, wherever the removal was interrupted', async () => {
    for (let survived = 0; ; survived += 2) {
      const { store, ref } = await prepare({ seed: survived });
      await madeWith(store, 'again', ref);
      // Stored whole again, it is like any other.
      expect(await emptiedAt(store, ref)).toBeNull();
      const pixels = (await readRows(store, ref, 'train', Int32Array.of(await rowOf(store, ref)))).pixels;
      let changes = 0;
      const dying =
        <A extends unknown[]>(work: (...args: A) => Promise<void>) =>
        async (...args: A) => {
          if (changes++ === survived) throw new Error('killed');
          await work(...args);
        };
      const killed: Store = { ...store, write: dying(store.write), remove: dying(store.remove) };
      const error = await forgetImage(killed, await findImage(store, [digest]), quiet).catch((each: unknown) => each);
      await forgetImage(store, await findImage(store, [digest]), quiet);
      expect(await holding(store, pixels)).toEqual([]);
      await store.remove(`forgotten/${digest}.json`);
      if (!(error instanceof Error)) break;
      expect(survived).toBeLessThan(30);
    }
  });
});
