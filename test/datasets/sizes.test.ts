/** Images of the size that a pipeline asks for: how they become squares, what their colours are, and how large ones are kept. */
import { cp, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { createDecodePool } from '../../datasets/decode-pool/pool.ts';
import { decodeStored } from '../../datasets/encode.ts';
import { formOf } from '../../datasets/form.ts';
import { adoptDataset, describeDataset, loadSplit, openSplit } from '../../datasets/index.ts';
import { digestOfShown } from '../../datasets/read-images.ts';
import { readRowDigests } from '../../datasets/row-digests.ts';
import { readRowFacts } from '../../datasets/row-facts.ts';
import { createSetWriter, everySplit } from '../../datasets/set-writer.ts';
import { artifactFolder, openStore, type Store } from '../../store/index.ts';
import { folder, images, prepare, twoClasses, useImageFolders, write } from './image-folder.ts';

useImageFolders();

type Pixel = readonly number[];
const solid = (width: number, height: number, [r, g, b]: readonly [number, number, number]) =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

/** Halves beside each other: the left dark red, the right light blue. */
const halves = async (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#800000' } })
    .composite([
      {
        input: await solid(width / 2, height, [100, 160, 250])
          .png()
          .toBuffer(),
        left: width / 2,
        top: 0,
      },
    ])
    .png()
    .toBuffer();

/** A photo-like picture: gratings in three colours. */
const grating = (seed: number, width: number, height: number) => {
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < pixels.length; at++)
    pixels[at] = 128 + 100 * Math.sin(((at / 3) % width) / (4 + seed) + (at % 3) + at / (3 * width * (3 + seed)));
  return sharp(pixels, { raw: { width, height, channels: 3 } });
};

describe('an image becomes a square of the size that the pipeline asks for', () => {
  const one = async (file: Buffer, params: object) => {
    await write({ 'train/a/1.png': file, 'train/b': 1 });
    const { ref, store, about } = await prepare(params);
    const { images, height, width, channels } = await loadSplit(store, ref, 'train');
    expect([about.rejected, height]).toEqual([[], width]);
    return (x: number, y: number): Pixel =>
      Array.from(images.subarray((y * width + x) * channels).subarray(0, channels));
  };

  it('pad: all of it, in the middle of the background', async () => {
    const at = await one(await halves(80, 20), { size: 40, background: '#0a141e' });
    expect([at(20, 5), at(20, 34)]).toEqual([
      [10, 20, 30],
      [10, 20, 30],
    ]);
    expect([at(2, 20), at(37, 20)]).toEqual([
      [128, 0, 0],
      [100, 160, 250],
    ]);
  });

  it('crop: the middle of it, also where it is smaller than the square', async () => {
    for (const [width, height] of [
      [90, 30],
      [60, 20],
    ] as const) {
      const at = await one(await halves(width, height), { size: 30, fit: 'crop' });
      for (const y of [0, 29]) expect([at(0, y), at(29, y)].map(([red]) => red)).toEqual([128, 100]);
    }
  });

  it('crop: a side that rounding would leave short is full', async () => {
    const at = await one(await halves(34, 47), { size: 33, fit: 'crop', background: '#00ff00' });
    for (const [x, y] of [
      [0, 0],
      [0, 32],
      [32, 0],
      [32, 32],
    ] as const)
      expect(at(x, y)[1]).not.toBe(255);
  });

  it('resize: both sides are scaled', async () => {
    const at = await one(await halves(100, 20), { size: 48, fit: 'resize' });
    for (const y of [0, 47]) expect([at(0, y)[0], at(47, y)[0]]).toEqual([128, 100]);
  });

  it('a coloured background behind or around grey images makes them coloured', async () => {
    const grey = await sharp({ create: { width: 8, height: 16, channels: 3, background: '#777777' } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const around = await one(grey, { size: 16, background: '#ff0000' });
    expect([around(0, 0), around(8, 8)]).toEqual([
      [255, 0, 0],
      [119, 119, 119],
    ]);
  });

  it.each([
    [{ size: 7 }, /size/],
    [{ size: 513 }, /size/],
    [{ background: 'white' }, /#ffffff/],
    [{ encoding: { quality: 20 } }, /quality/],
    [{ encoding: { margin: 3 } }, /margin/],
  ])('%o is refused', async (params, message) => {
    await expect(prepare(params)).rejects.toThrow(message);
  });
});

describe('colours', () => {
  const red = [200, 30, 60] as const;
  const wide = () => solid(40, 40, red);

  it.each([
    ['16 bits', () => wide().toColourspace('rgb16').png().toBuffer(), red],
    ['a profile of a wider gamut', () => wide().withIccProfile('p3').png().toBuffer(), red],
    [
      'CMYK with a profile',
      () => wide().withIccProfile('cmyk').toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
      red,
    ],
    ['a palette', () => wide().png({ palette: true }).toBuffer(), red],
    ['half transparent, on white', () => wide().ensureAlpha(0.5).png().toBuffer(), [228, 143, 158]],
    [
      'half transparent with 16 bits, on white',
      () => wide().ensureAlpha(0.5).toColourspace('rgb16').png().toBuffer(),
      [228, 143, 158],
    ],
    ['WebP', () => wide().webp({ lossless: true }).toBuffer(), red],
    ['AVIF', () => wide().avif({ lossless: true }).toBuffer(), red],
    ['TIFF', () => wide().tiff({ compression: 'lzw' }).toBuffer(), red],
  ])('%s: what a person sees', async (_, make, expected) => {
    await write({ 'train/a/1': await make(), 'train/b': 1 });
    const { ref, store, about } = await prepare({ size: 40 });
    expect(about.rejected).toEqual([]);
    const { images } = await loadSplit(store, ref, 'train');
    const middle = Array.from(images.subarray((20 * 40 + 20) * 3).subarray(0, 3));
    // A print profile has no such red; eyes call it the same.
    const tolerance = _.startsWith('CMYK') ? 25 : 4;
    for (const [channel, value] of middle.entries())
      expect(Math.abs(value - (expected[channel] ?? 0))).toBeLessThanOrEqual(tolerance);
  });

  it('transparent grey on a coloured background has that colour', async () => {
    const clear = await sharp({
      create: { width: 16, height: 16, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    await write({ 'train/a/1.png': clear, 'train/b': 1 });
    const { ref, store } = await prepare({ size: 16, background: '#102030' });
    const { images } = await loadSplit(store, ref, 'train');
    expect(Array.from(images.subarray(0, 3))).toEqual([16, 32, 48]);
  });
});

describe('images above 64 pixels are kept as files', () => {
  const params = { size: 96, fit: 'crop', validation: 0, test: 0 };
  beforeEach(async () => {
    for (let index = 0; index < 12; index++)
      await write({
        [`train/${'abc'[index % 3]}/${index}.jpg`]: await grating(index, 150 + index, 140)
          .jpeg()
          .toBuffer(),
      });
  });

  /** Writes a set of files into another folder, as its own writer does, with another file of the fourth training image. */
  async function writeAgain(
    { store, ref }: { readonly store: Store; readonly ref: ArtifactRef },
    into: string,
    change: (file: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    const { name, classes } = await describeDataset(store, ref);
    const form = formOf(prepareDataParameters.parse({ dataset: 'image-folder', path: images, ...params }));
    const writer = createSetWriter(openStore(into), { name, classes, form });
    const split = await openSplit(store, ref, 'train', undefined, { as: 'stored' });
    const rows = Int32Array.from({ length: split.count }, (_, row) => row);
    const files = (await split.readFiles?.(rows)) ?? [];
    await split.close();
    const { labels } = await loadSplit(store, ref, 'train');
    const [facts, digests] = [await readRowFacts(store, ref, 'train'), await readRowDigests(store, ref, 'train')];
    for (const [row, file] of files.entries()) {
      const encoded = row === 3 ? await change(file) : file;
      const shown = { pixels: await decodeStored(encoded, form.side, split.channels), channels: split.channels };
      await writer.add('train', {
        ...{ ...shown, encoded, label: labels[row] ?? 0, name: `image ${row}`, facts: facts?.[row] ?? null },
        digests: { source: Buffer.from(digests?.source[row] ?? '', 'hex'), pixels: digestOfShown(shown) },
      });
    }
    await writer.publish(await everySplit(writer.finish), []);
  }

  it('with room for crops, in shards, and read in either size', async () => {
    const { ref, store, about } = await prepare(params, { shardBytes: 40_000 });
    expect(about).toMatchObject({
      image: { height: 96, width: 96, channels: 3 },
      stored: { side: 112, format: 'jpeg', quality: 90 },
    });
    expect(about.splits.train.shards.length).toBeGreaterThan(1);
    expect(await readRowFacts(store, ref, 'train')).toContainEqual({ name: 'train/a/0.jpg' });
    const [stored, prepared] = [
      await openSplit(store, ref, 'train', undefined, { as: 'stored' }),
      await openSplit(store, ref, 'train'),
    ];
    const rows = Int32Array.of(11, 0, 5, 5);
    const [large, small] = [stored, prepared].map(({ height }) => new Uint8Array(4 * height * height * 3)) as [
      Uint8Array,
      Uint8Array,
    ];
    const labels = new Int32Array(4);
    await stored.read(rows, large, labels);
    await prepared.read(rows, small, labels);
    expect([stored.height, prepared.height, Array.from(labels)]).toEqual([112, 96, [2, 0, 1, 1]]);
    // What a row shows is what its digest says, so copies are found and anybody can check it.
    const digests = await readRowDigests(store, ref, 'train');
    const shown = digestOfShown({ pixels: large.subarray(0, 112 * 112 * 3), channels: 3 });
    expect(Buffer.from(shown).toString('hex')).toBe(digests?.pixels[11]);
    const shrunk = await sharp(large.subarray(0, 112 * 112 * 3), { raw: { width: 112, height: 112, channels: 3 } })
      .resize(96, 96)
      .raw()
      .toBuffer();
    const differences = shrunk.map((value, at) => Math.abs(value - (small[at] ?? 0)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(2);
    await Promise.all([stored.close(), prepared.close()]);
  });

  it('the same for any number of threads, and when they are prepared again', async () => {
    const first = await prepare(params);
    const again = await prepare(params);
    expect(again.ref).toEqual(first.ref);
    const pixelsBy = async (threads: number) => {
      const split = await openSplit(first.store, first.ref, 'train', undefined, { as: 'stored', threads });
      const pixels = new Uint8Array(split.count * 112 * 112 * 3);
      await split.read(
        Int32Array.from({ length: split.count }, (_, row) => row),
        pixels,
        new Int32Array(split.count),
      );
      await split.close();
      return Buffer.from(pixels).toString('base64');
    };
    const one = await pixelsBy(1);
    for (const threads of [2, 5]) expect((await pixelsBy(threads)) === one).toBe(true);
  });

  it('grey where the pipeline says so, as WebP where it says so', async () => {
    const { ref, store, about } = await prepare({ ...params, channels: 1, encoding: { format: 'webp', margin: 1 } });
    expect(about).toMatchObject({ image: { channels: 1 }, stored: { side: 96, format: 'webp', quality: 90 } });
    const { images, count } = await loadSplit(store, ref, 'train');
    expect(images.length).toBe(count * 96 * 96);
  });

  it('pixels are kept up to 64, files too where the pipeline asks for them', async () => {
    const raw = await prepare({ ...params, size: 64 });
    expect(raw.about.stored).toBeUndefined();
    const files = await prepare({ ...params, size: 40, encoding: {} });
    expect(files.about).toMatchObject({ image: { height: 40 }, stored: { side: 48, format: 'jpeg' } });
  });

  it('another step takes such a set as its own, row by row, and not one whose files are others', async () => {
    const { ref, store } = await prepare(params);
    const target = openStore(join(folder, 'other'));
    await cp(join(folder, 'store/artifacts'), join(folder, 'given/artifacts'), { recursive: true });
    const adopted = await adoptDataset(target, join(folder, 'given'), {});
    expect(adopted.ref).toEqual(ref);
    expect(await readRowFacts(target, ref, 'train')).toEqual(await readRowFacts(store, ref, 'train'));

    // All that a set says of itself is true of these: only the files are others than `prepare` makes.
    const forged = async (name: string, change: (file: Uint8Array) => Uint8Array | Promise<Buffer>) => {
      await writeAgain({ store, ref }, join(folder, name), change);
      return adoptDataset(target, join(folder, name), {});
    };
    expect((await forged('same', (file) => file)).ref).toEqual(ref);
    for (const [name, change] of Object.entries({
      side: (file: Uint8Array) => sharp(file).resize(96, 96).jpeg().toBuffer(),
      format: (file: Uint8Array) => sharp(file).webp({ lossless: true }).toBuffer(),
    }))
      await expect(forged(name, change), name).rejects.toMatchObject({
        code: 'InvalidDataset',
        message: expect.stringMatching(/: image 3 is no jpeg of 112x112\.$/),
      });
  });

  it('a shard that was cut is named', async () => {
    const { ref, store, about } = await prepare(params);
    const [shard] = about.splits.train.shards;
    await truncate(store.locate(`${artifactFolder(ref)}/${shard?.file}`), 5000);
    await expect(loadSplit(store, ref, 'train')).rejects.toMatchObject({ code: 'CorruptArtifact' });
  });
});

describe('threads that decode', () => {
  it('say which image they cannot decode, and go on with others', async () => {
    await write(twoClasses);
    const { store, ref, about } = await prepare({ size: 16, encoding: {} });
    const { file } = about.splits.train.shards[0] ?? { file: '' };
    const handle = await open(store.locate(`${artifactFolder(ref)}/${file}`));
    const pool = createDecodePool(2);
    try {
      const nonsense = { fd: handle.fd, position: 0, bytes: 100 };
      const pixels = new Uint8Array(3 * 16 * 16 * 3);
      await expect(pool.decode([nonsense], { side: 16, channels: 3 }, pixels)).rejects.toMatchObject({
        name: 'UndecodableImage',
        image: 0,
      });
      await pool.decode([], { side: 16, channels: 3 }, pixels);
    } finally {
      await handle.close();
      await pool.close();
    }
  });
});

it('a set that asks for nothing new has the digest that it had', async () => {
  const generated = { classes: 3, images: 64, channels: 3 };
  const { ref } = await prepare({ dataset: 'generated', generated, path: undefined, validation: 0.1, test: 0.2 });
  expect(ref.digest).toBe('8a5d095a89f61728999c0cf12796527c87a751f28603ce4a4b985d57f8baeaf6');
});

it.each([
  ['fit', { size: 28 }, [{ fit: 'pad' }, { fit: 'crop' }, { fit: 'resize' }]],
  ['fit', { size: 20 }, [{ fit: 'pad' }, { fit: 'crop' }, { fit: 'resize' }]],
  ['background', { size: 20 }, [{}, { background: '#00ff00' }]],
  ['background', { size: 40, fit: 'crop' }, [{}, { background: '#00ff00' }]],
])('a pipeline is refused for `%s` of generated images with %o because it does nothing', async (_, size, choices) => {
  const generated = { classes: 2, images: 16 };
  const made: string[] = [];
  for (const choice of choices) {
    const { about } = await prepare({ dataset: 'generated', generated, path: undefined, ...size, ...choice });
    // What it says for other images than its own differs.
    made.push(JSON.stringify({ ...about, form: undefined }));
  }
  expect(new Set(made).size).toBe(1);
});
