import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { batchPlan, loadSplit, permutation, prepareDataset, randomDraws, randomUint32 } from '../../datasets/index.ts';
import { openStore } from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-datasets-'));
let folder: string;
let count = 0;
beforeEach(async () => {
  folder = join(root, String(count++));
  await mkdir(folder);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const store = () => openStore(join(folder, 'store'));
const prepare = (params: object) =>
  prepareDataset(store(), prepareDataParameters.parse(params), { cacheFolder: join(folder, 'cache') });

const picture = (seed: number, { width = 40, height = 24, channels = 3 as 1 | 3 } = {}) =>
  sharp(Buffer.from(Array.from({ length: width * height * channels }, (_, at) => (at * seed) % 256)), {
    raw: { width, height, channels },
  });

/** train/ and test/ with two classes of six and two images. */
async function writeImageFolder(): Promise<string> {
  const images = join(folder, 'images');
  for (const [split, number] of [
    ['train', 6],
    ['test', 2],
  ] as const)
    for (const name of ['shirt', 'coat']) {
      await mkdir(join(images, split, name), { recursive: true });
      for (let index = 0; index < number; index++)
        await picture(index + 3)
          .png()
          .toFile(join(images, split, name, `${index}.png`));
    }
  return images;
}

describe('preparing a data set', () => {
  it('gives the same artifact for the same files and parameters', async () => {
    const params = { dataset: 'generated', generated: { classes: 3, images: 60 } };
    const first = await prepare(params);
    expect((await prepare(params)).ref).toEqual(first.ref);
    expect((await prepare({ ...params, seed: 1 })).ref).not.toEqual(first.ref);
  });

  it('splits into about the shares that were asked for, without overlap', async () => {
    const { ref, about } = await prepare({
      dataset: 'generated',
      generated: { classes: 4, images: 200 },
      validation: 0.1,
      test: 0.2,
    });
    const { train, validation, test } = about.splits;
    expect([train.count, validation.count, test.count]).toEqual([155, 16, 29]);
    expect(test.perClass).toEqual([9, 3, 11, 6]);
    const seen = new Set<string>();
    for (const name of ['train', 'validation', 'test'] as const) {
      const { images, count: n } = await loadSplit(store(), ref, name);
      for (let row = 0; row < n; row++)
        seen.add(Buffer.from(images.subarray(row * 1024, (row + 1) * 1024)).toString('base64'));
    }
    expect(seen.size).toBe(200);
  });

  it('reads a folder of images, pads them to 32x32 and limits them evenly', async () => {
    const { about } = await prepare({
      dataset: 'image-folder',
      path: await writeImageFolder(),
      validation: 0,
      limit: { train: 8 },
    });
    expect(about.classes).toEqual(['coat', 'shirt']);
    expect(about.image).toEqual({ height: 32, width: 32, channels: 3 });
    expect(about.splits.train.perClass).toEqual([4, 4]);
    expect(about.splits.test.count).toBe(4);
  });

  it('turns colour into grey by its luma, and grey into colour, where channels says so', async () => {
    const path = await writeImageFolder();
    const load = async (params: object) => {
      const { ref, about } = await prepare({ dataset: 'image-folder', path, validation: 0, fit: 'resize', ...params });
      return { about, images: (await loadSplit(store(), ref, 'train')).images };
    };
    const [colour, grey] = [await load({}), await load({ channels: 1 })];
    expect(grey.about.image.channels).toBe(1);
    expect(grey.about.mean).toHaveLength(1);
    grey.images.forEach((luma, at) => {
      const [red = 0, green = 0, blue = 0] = colour.images.subarray(3 * at, 3 * at + 3);
      expect(luma).toBe(Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
    });
    expect((await load({ channels: 3 })).about).toEqual(colour.about);

    const generated = { dataset: 'generated', generated: { classes: 2, images: 20 } };
    const own = await prepare(generated);
    const coloured = await prepare({ ...generated, channels: 3 });
    expect(coloured.about.image.channels).toBe(3);
    expect(coloured.about.mean).toEqual(Array.from({ length: 3 }, () => own.about.mean[0]));
    const [one, three] = [own.ref, coloured.ref].map((ref) => loadSplit(store(), ref, 'test'));
    expect(
      Buffer.compare(
        (await one)?.images ?? Buffer.alloc(0),
        (await three)?.images.filter((_, at) => at % 3 === 2) ?? Buffer.alloc(0),
      ),
    ).toBe(0);
  });

  it('reads the IDX files of MNIST under any of their names, gzipped or not', async () => {
    const images = Buffer.concat([
      Buffer.from([0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28]),
      Buffer.from(Array.from({ length: 7840 }, (_, at) => Math.floor(at / 784) * 20)),
    ]);
    const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 10, ...Array(10).keys()]);
    await writeFile(join(folder, 'train-images.idx3-ubyte'), images);
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels);
    await writeFile(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(images));
    await writeFile(join(folder, 't10k-labels.idx1-ubyte.gz'), gzipSync(labels));
    const { ref, about } = await prepare({ dataset: 'mnist', path: folder, validation: 0 });
    expect([about.name, about.classes]).toEqual(['mnist', ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']]);
    const test = await loadSplit(store(), ref, 'test');
    expect([...test.labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // The middle of the last image, which is padded to 32x32.
    expect(test.images[9 * 1024 + 16 * 32 + 16]).toBe(180);
  });

  it('names what it cannot use and goes on', async () => {
    const path = await writeImageFolder();
    await truncate(join(path, 'train/shirt/0.png'), 100);
    await writeFile(join(path, 'train/coat/1.png'), '');
    await picture(5, { width: 4, height: 4 }).png().toFile(join(path, 'train/coat/tiny.png'));
    const { about } = await prepare({ dataset: 'image-folder', path, validation: 0 });
    expect(about.rejected.map((each) => each.path)).toEqual([
      'train/coat/1.png',
      'train/coat/tiny.png',
      'train/shirt/0.png',
    ]);
    expect(about.rejected[1]?.reason).toBe('is smaller than 8x8 (4x4)');
  });
});

describe('a bad data set gets one clear error, and leaves nothing behind', () => {
  const idx = (magic: number, sizes: number[], bytes: number) => {
    const buffer = Buffer.alloc(4 + 4 * sizes.length + bytes);
    buffer.writeUInt32BE(magic);
    sizes.forEach((size, at) => void buffer.writeUInt32BE(size, 4 + 4 * at));
    return buffer;
  };
  const writeIdx = async (images: Buffer, labels: Buffer) => {
    for (const part of ['train', 't10k']) {
      await writeFile(join(folder, `${part}-images-idx3-ubyte`), images);
      await writeFile(join(folder, `${part}-labels-idx1-ubyte`), labels);
    }
    return { dataset: 'fashion-mnist', path: folder };
  };
  const twoImages = idx(0x803, [2, 28, 28], 2 * 784);

  const cases: [string, () => Promise<object>, RegExp][] = [
    ['no path', async () => ({ dataset: 'image-folder' }), /image-folder needs `path`/],
    [
      'a folder that is not there',
      async () => ({ dataset: 'image-folder', path: join(folder, 'none') }),
      /none does not exist/,
    ],
    [
      'one class only',
      async () => {
        await mkdir(join(folder, 'x/train/shirt'), { recursive: true });
        return { dataset: 'image-folder', path: join(folder, 'x') };
      },
      /has 1 class folder; at least 2/,
    ],
    [
      'an empty class',
      async () => {
        const path = await writeImageFolder();
        await mkdir(join(path, 'train/dress'));
        return { dataset: 'image-folder', path };
      },
      /dress has no image/,
    ],
    [
      'a test class that train lacks',
      async () => {
        const path = await writeImageFolder();
        await cp(join(path, 'test/coat'), join(path, 'test/sock'), { recursive: true });
        return { dataset: 'image-folder', path };
      },
      /classes that train\/ lacks: sock/,
    ],
    [
      'more unusable files than allowed',
      async () => {
        const path = await writeImageFolder();
        await writeFile(join(path, 'train/shirt/0.png'), 'not a picture');
        return { dataset: 'image-folder', path, maximumRejected: 0 };
      },
      /One file cannot be used, and maximumRejected is 0[\s\S]*train\/shirt\/0\.png: is text, not an image/,
    ],
    [
      'a limit below the number of classes',
      async () => ({ dataset: 'generated', generated: { classes: 5, images: 50 }, limit: { train: 3 } }),
      /limit.train is 3, fewer than the 5 classes/,
    ],
    [
      'a wrong IDX magic',
      () => writeIdx(idx(0x801, [2, 28, 28], 2 * 784), idx(0x801, [2], 2)),
      /begins with 0x801 instead of 0x803/,
    ],
    [
      'an IDX file cut short',
      () => writeIdx(twoImages.subarray(0, 500), idx(0x801, [2], 2)),
      /2 x 28 x 28 would be 1568 bytes/,
    ],
    [
      'IDX images without size',
      () => writeIdx(idx(0x803, [2, 0, 0], 0), idx(0x801, [2], 2)),
      /images are 0x0; at least 8x8 is needed/,
    ],
    ['an IDX file without images', () => writeIdx(idx(0x803, [0, 28, 28], 0), idx(0x801, [0], 0)), /has no image/],
    [
      'an IDX file with more bytes than images',
      () => writeIdx(idx(0x803, [2, 28, 28], 2 * 784 + 1), idx(0x801, [2], 2)),
      /2 x 28 x 28 would be 1568 bytes, and it has 1569/,
    ],
    [
      'an IDX file that cannot be read, which is not a missing one',
      async () => {
        await mkdir(join(folder, 'train-images-idx3-ubyte.gz'));
        return { dataset: 'fashion-mnist', path: folder };
      },
      /train-images-idx3-ubyte\.gz cannot be read: it is a folder, a pipe or a device, not a file/,
    ],
    [
      'a named pipe as an IDX file, which is not waited for',
      async () => {
        execFileSync('mkfifo', [join(folder, 'train-images-idx3-ubyte')]);
        return { dataset: 'fashion-mnist', path: folder };
      },
      /train-images-idx3-ubyte cannot be read: it is a folder, a pipe or a device, not a file/,
    ],
    [
      'a named pipe as a CIFAR file',
      async () => {
        await mkdir(join(folder, 'cifar-10-batches-bin'));
        for (const name of ['data_batch_1.bin', 'test_batch.bin'])
          execFileSync('mkfifo', [join(folder, 'cifar-10-batches-bin', name)]);
        return { dataset: 'cifar10', path: folder };
      },
      /cifar-10-batches-bin\/data_batch_1\.bin cannot be read: it is a folder, a pipe or a device, not a file/,
    ],
    [
      'an archive for CIFAR-10',
      async () => {
        await writeFile(join(folder, 'cifar.tar.gz'), Buffer.of(0x1f, 0x8b, 8));
        return { dataset: 'cifar10', path: join(folder, 'cifar.tar.gz') };
      },
      /cifar\.tar\.gz is a gzip archive, not a folder\. Unpack it/,
    ],
    [
      'names of CIFAR classes that are not ten',
      async () => {
        const batch = Buffer.concat(Array.from({ length: 10 }, (_, label) => Buffer.alloc(3073, label)));
        for (const name of [
          'data_batch_1',
          'data_batch_2',
          'data_batch_3',
          'data_batch_4',
          'data_batch_5',
          'test_batch',
        ])
          await writeFile(join(folder, `${name}.bin`), batch);
        await writeFile(join(folder, 'batches.meta.txt'), 'cat\ndog\n');
        return { dataset: 'cifar10', path: folder };
      },
      /batches\.meta\.txt names 2 classes; 10 different ones are needed/,
    ],
    ['more images than labels', () => writeIdx(twoImages, idx(0x801, [1], 1)), /has 1 label for 2 images/],
    [
      'a label out of range',
      () => writeIdx(twoImages, Buffer.concat([idx(0x801, [2], 0), Buffer.from([3, 77])])),
      /label 77 of image 1 is not from 0 to 9/,
    ],
    ['a missing CIFAR file', async () => ({ dataset: 'cifar10', path: folder }), /data_batch_1.bin is missing/],
    [
      'a CIFAR file cut short',
      async () => {
        await writeFile(join(folder, 'data_batch_1.bin'), Buffer.alloc(3000));
        return { dataset: 'cifar10', path: folder };
      },
      /has 3000 bytes, which is not a whole number of 3073-byte records/,
    ],
  ];
  for (const [what, make, message] of cases)
    it(what, async () => {
      await expect(prepare(await make())).rejects.toThrow(message);
      expect(await readdir(join(folder, 'store')).catch(() => [])).toEqual([]);
      expect(await readdir(join(folder, 'cache')).catch(() => [])).toEqual([]);
    });
});

describe('randomness', () => {
  it('is the same drawn one by one or as a series', () => {
    const draws = randomDraws(5, 'a', 1, 2);
    for (const counter of [0, 1, 77, 2 ** 31]) expect(draws(counter)).toBe(randomUint32(5, 'a', 1, 2, counter));
  });

  it('never changes: resumed runs of older versions depend on it', () => {
    expect([randomUint32(0, 'a'), randomUint32(0, 'a', 1), randomUint32(1, 'a', 1)]).toMatchInlineSnapshot(`
      [
        444641715,
        2393302180,
        869318260,
      ]
    `);
    expect([...permutation(8, 3, 'batch order', 1)]).toMatchInlineSnapshot(`
      [
        5,
        4,
        1,
        6,
        7,
        0,
        2,
        3,
      ]
    `);
  });

  it('goes through every image once an epoch, in another order each time', () => {
    const rows = (epoch: number) => {
      const plan = batchPlan({ count: 100, batch: 10, seed: 0, epoch });
      return Array.from({ length: plan.steps }, (_, step) => [...plan.indices(step)]).flat();
    };
    expect(rows(1).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, row) => row));
    expect(rows(1)).not.toEqual(rows(2));
    expect(rows(1)).toEqual(rows(1));
  });

  it('goes through them again, in another order, where that is too few steps', () => {
    const rowsOf = (minimumSteps?: number) => {
      const plan = batchPlan({ count: 25, batch: 10, seed: 0, epoch: 1, minimumSteps });
      expect(plan.steps).toBe(Math.max(2, minimumSteps ?? 0));
      return Array.from({ length: plan.steps }, (_, step) => [...plan.indices(step)]);
    };
    const batches = rowsOf(5);
    expect(batches.slice(0, 2)).toEqual(rowsOf());
    expect(rowsOf(1)).toEqual(rowsOf());
    for (const [first, second = []] of [batches.slice(0, 2), batches.slice(2, 4)])
      expect(new Set([...(first ?? []), ...second]).size).toBe(20);
    expect(batches[2]).not.toEqual(batches[0]);
    // A resumed epoch asks for its steps from the middle, whichever came before.
    const plan = batchPlan({ count: 25, batch: 10, seed: 0, epoch: 1, minimumSteps: 5 });
    expect([4, 0, 2].map((step) => [...plan.indices(step)])).toEqual([batches[4], batches[0], batches[2]]);
  });
});
