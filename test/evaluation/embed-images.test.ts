import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { embedImagesParameters } from '../../contracts/kinds/embed-images.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { decodeSafetensors, float32, readAbout, readArtifactFile } from '../../store/index.ts';
import {
  bits,
  context,
  dataset,
  type Embedded,
  embedAll,
  embeddingsOf,
  encoder,
  photo,
  photoEncoder,
  photos,
  store,
  useEmbedded,
} from './embedded.ts';

useEmbedded();

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
