import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { DatasetAbout } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { formOf } from '../../datasets/form.ts';
import { adoptDataset, describeDataset, loadSplit, prepareDataset, readRowDigests } from '../../datasets/index.ts';
import { createSetWriter } from '../../datasets/set-writer.ts';
import {
  createDatasetWriter,
  type DatasetOptions,
  type GivenImage,
  type WrittenDataset,
} from '../../pipelines/dataset.ts';
import { artifactFolder, openStore, readArtifact, readArtifactFile, writeArtifact } from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-writer-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let folder = '';
let number = 0;
beforeEach(async () => {
  folder = join(root, String(number++));
  await mkdir(folder);
});

const storeIn = (name: string) => openStore(join(folder, name));
const output = () => join(folder, 'output');
const adopt = () => adoptDataset(storeIn('store'), output(), {});

async function write(options: DatasetOptions, images: Iterable<GivenImage>): Promise<WrittenDataset> {
  const writer = createDatasetWriter(output(), options);
  await writer.addAll(images);
  return writer.finish();
}

const failure = async (work: () => Promise<unknown>) => {
  const error: unknown = await work().then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return { code: 'code' in error ? error.code : error.name, message: error.message };
};

/** A noisy image that no other is. */
const pixelsOf = (index: number, { side = 32, channels = 1 as 1 | 3 } = {}) => ({
  pixels: Uint8Array.from({ length: side * side * channels }, (_, at) => (at * (index + 3) + index * 31) % 251),
  height: side,
  width: side,
  channels,
});
const greys = (count: number): GivenImage[] =>
  Array.from({ length: count }, (_, index) => ({ class: index % 2 === 0 ? 'even' : 'odd', ...pixelsOf(index) }));
const classes = ['even', 'odd'];

describe('a data set that is written image by image', () => {
  /** PNG files of two classes, one of them no image. */
  async function writeFolder(): Promise<{ readonly photos: string; readonly images: GivenImage[] }> {
    const photos = join(folder, 'photos');
    const images: GivenImage[] = [];
    for (const name of ['coat', 'shirt']) {
      await mkdir(join(photos, name), { recursive: true });
      for (let index = 0; index < 12; index++) {
        const channels = name === 'shirt' && index === 5 ? 3 : 1;
        const { pixels } = pixelsOf(index + (name === 'coat' ? 0 : 100), { side: 40, channels });
        const path = join(photos, name, `${String(index).padStart(2, '0')}.png`);
        await sharp(pixels, { raw: { width: 40, height: 40, channels } })
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .png()
          .toFile(path);
        images.push({ class: name, name: `${name}/${path.slice(-6)}`, file: path });
      }
    }
    await writeFile(join(photos, 'shirt', '99.png'), 'not an image');
    images.push({ class: 'shirt', name: 'shirt/99.png', file: join(photos, 'shirt', '99.png') });
    return { photos, images };
  }

  it('is that of prepare-data from the same files in the same order, byte for byte', async () => {
    const { photos, images } = await writeFolder();
    const params = { validation: 0.2, test: 0.3, seed: 4 };
    const prepared = await prepareDataset(
      storeIn('store'),
      prepareDataParameters.parse({ dataset: 'image-folder', path: photos, ...params }),
      { cacheFolder: join(folder, 'cache') },
    );
    const written = await write({ classes: ['coat', 'shirt'], name: 'photos', ...params }, images);
    expect(written.digest).toBe(prepared.ref.digest);
    expect(written.counts.test).toBeGreaterThan(0);
    expect(written.counts.validation).toBeGreaterThan(0);
    expect(written.rejected).toEqual([{ path: 'shirt/99.png', reason: 'is text, not an image' }]);
    expect((await adopt()).ref).toEqual(prepared.ref);
  });

  it('takes files from memory as it takes them by their paths', async () => {
    const { images } = await writeFolder();
    const options = { classes: ['coat', 'shirt'] };
    const byPath = await write(options, images);
    await rm(output(), { recursive: true });
    const fromMemory = await Promise.all(
      images.map(async (image) =>
        'file' in image && typeof image.file === 'string'
          ? { ...image, file: new Uint8Array(await readFile(image.file)) }
          : image,
      ),
    );
    expect(await write(options, fromMemory)).toEqual(byPath);
  });

  it('is stored whole, with the splits that images name, in the order in which they came', async () => {
    const images = greys(30).map(
      (image, index): GivenImage => ({
        ...image,
        split: index % 5 === 4 ? 'test' : index % 5 === 3 ? 'validation' : 'train',
      }),
    );
    const { counts, digest, warnings } = await write({ classes }, images);
    expect(counts).toEqual({ train: 18, validation: 6, test: 6 });
    expect(warnings).toEqual([]);
    const { ref } = await adopt();
    expect(ref).toEqual({ kind: 'dataset', digest });
    const test = await loadSplit(storeIn('store'), ref, 'test');
    expect([...test.labels]).toEqual([0, 1, 0, 1, 0, 1]);
    const fourth = images[4];
    expect(test.images.subarray(0, 1024)).toEqual(fourth && 'pixels' in fourth ? fourth.pixels : null);
  });

  it('has the same rows whether images come together, one by one, or all without waiting', async () => {
    const images = greys(40);
    const together = await write({ classes }, images);
    const oneByOne = createDatasetWriter(join(folder, 'one'), { classes });
    for (const image of images) await oneByOne.add(image);
    expect((await oneByOne.finish()).digest).toBe(together.digest);
    const atOnce = createDatasetWriter(join(folder, 'all'), { classes });
    const large = images.map((image, index) =>
      index % 7 === 0 ? { ...image, ...pixelsOf(index, { side: 900 }) } : image,
    );
    await Promise.all(large.map(atOnce.add));
    await rm(output(), { recursive: true });
    expect((await atOnce.finish()).digest).toBe((await write({ classes }, large)).digest);
  });

  it('is grey or coloured throughout, as it says, and brings every image to 32x32', async () => {
    const images = greys(8).map((image, index) => ({
      ...image,
      ...pixelsOf(index, { side: 20 + index, channels: 3 }),
    }));
    await write({ classes, channels: 1, fit: 'resize' }, images);
    const { ref } = await adopt();
    expect((await describeDataset(storeIn('store'), ref)).image).toEqual({ height: 32, width: 32, channels: 1 });
  });

  it('leaves to the caller the memory of its pixels', async () => {
    const shared = new Uint8Array(1024);
    const writer = createDatasetWriter(output(), { classes, validation: 0, test: 0 });
    for (const [index, image] of greys(6).entries()) {
      shared.set(pixelsOf(index).pixels);
      await writer.add({ class: image.class, pixels: shared, height: 32, width: 32, channels: 1 });
      shared.fill(0);
    }
    const again = await writer.finish();
    await rm(output(), { recursive: true });
    expect(again.digest).toBe((await write({ classes, validation: 0, test: 0 }, greys(6))).digest);
  });
});

describe('what cannot be written is refused', () => {
  const one = pixelsOf(1);
  const added = (image: object) => () => createDatasetWriter(output(), { classes }).add(image as GivenImage);
  it.each<readonly [string, () => Promise<unknown>, RegExp]>([
    [
      'a class that there is none of',
      added({ class: 'od', ...one }),
      /^image 1 cannot be added: there is no class "od"\.$/,
    ],
    ['a class that is not said', added(one), /^image 1 cannot be added: .*class/s],
    [
      'pixels that do not fit',
      added({ class: 'odd', ...one, channels: 3 }),
      /must have height x width x channels = 3072 bytes, not 1024/,
    ],
    ['too small an image', added({ class: 'odd', ...pixelsOf(1, { side: 7 }) }), />=8/],
    ['nothing at all', added(null as unknown as object), /^image 1 cannot be added: .*expected object/s],
    ['two channels', added({ class: 'odd', ...one, channels: 2 }), /must be 1 \(grey\) or 3/],
    ['numbers that are no bytes', added({ class: 'odd', ...one, pixels: [...one.pixels] }), /Uint8Array/],
    ['a split that there is none of', added({ class: 'odd', split: 'dev', ...one }), /"train"\|"validation"\|"test"/],
    ['a parameter that there is none of', added({ class: 'odd', label: 1, ...one }), /label/],
    [
      'a file that is not there',
      added({ class: 'odd', file: '/nowhere/x.png' }),
      /^\/nowhere\/x\.png cannot be added: /,
    ],
    ['one class', () => write({ classes: ['a'] }, []), /classes/],
    ['two classes of one name', () => write({ classes: ['a', 'a'] }, []), /different from each other/],
    ['an option that there is none of', () => write({ classes, sead: 1 } as DatasetOptions, []), /sead/],
  ])('%s', async (_, work, message) => {
    const found = await failure(async () => work());
    expect(found).toEqual({ code: 'InvalidInput', message: expect.stringMatching(message) });
  });

  it('images of one class only, in words about the set', async () => {
    const images = greys(8).map((image) => ({ ...image, class: 'odd' }));
    expect(await failure(() => write({ classes }, images))).toEqual({
      code: 'InvalidDataset',
      message: expect.stringContaining('The training set has images of one class; at least 2 are needed.'),
    });
  });

  it('more images that cannot be used than allowed, each reason with the first of them', async () => {
    const broken = Array.from({ length: 3 }, (_, index): GivenImage => ({ class: 'odd', file: new Uint8Array(index) }));
    const { code, message } = await failure(() => write({ classes, maximumRejected: 2 }, [...greys(9), ...broken]));
    expect(code).toBe('InvalidDataset');
    expect(message).toMatch(/3 files cannot be used, and maximumRejected is 2\.[\s\S]*image 10: is empty \(0 bytes\)/);
  });

  it('an image after the end', async () => {
    const writer = createDatasetWriter(output(), { classes });
    await writer.addAll(greys(20));
    await writer.finish();
    expect(await failure(() => writer.add(greys(1)[0] as GivenImage))).toMatchObject({ code: 'InvalidInput' });
  });
});

describe('a folder that is to be a data set is looked at row by row', () => {
  const given = () => openStore(output());

  /** A data set whose manifest is changed, and stored under its own digest. */
  async function forged(
    change: (about: DatasetAbout) => object,
    files: (name: string, content: Uint8Array) => Uint8Array = (_, content) => content,
  ) {
    const { digest } = await write({ classes, validation: 0.2, test: 0.2 }, greys(60));
    const ref = { kind: 'dataset', digest } as const;
    const manifest = await readArtifact(given(), ref);
    const contents = await Promise.all(
      manifest.files.map(async ({ path }) => ({
        path,
        content: files(path, await readArtifactFile(given(), ref, path)),
      })),
    );
    const about = change(manifest.about as DatasetAbout);
    await rm(output(), { recursive: true });
    await writeArtifact(given(), { kind: 'dataset', about, files: contents });
  }
  const same = (about: DatasetAbout) => about;
  const withTrain = (change: (train: DatasetAbout['splits']['train']) => object) => (about: DatasetAbout) => ({
    ...about,
    splits: { ...about.splits, train: { ...about.splits.train, ...change(about.splits.train) } },
  });
  /** The last bytes of a shard are its last label. */
  const withLabel = (label: number) => (name: string, content: Uint8Array) => {
    if (name !== 'train-00000.safetensors') return content;
    const changed = content.slice();
    new DataView(changed.buffer).setInt32(changed.length - 4, label, true);
    return changed;
  };

  it.each<readonly [string, () => Promise<unknown>, RegExp]>([
    [
      'nothing',
      () => mkdir(output()),
      /^There is no data set: a writer of data sets writes one at its `finish\(\)`\.$/,
    ],
    [
      'a label that is no class',
      () => forged(same, withLabel(2)),
      /: image \d+ of train has the label 2, and there are 2 classes\.$/,
    ],
    ['a negative label', () => forged(same, withLabel(-1)), /has the label -1/],
    ['another label than is counted', () => forged(same, withLabel(0)), /its manifest is not that of its images/],
    [
      'images of another size',
      () => forged((about) => ({ ...about, image: { ...about.image, height: 28 } })),
      /28x32 pixels, not a square of 8 to 512/,
    ],
    [
      'more channels than its images have',
      () => forged((about) => ({ ...about, image: { ...about.image, channels: 3 } })),
      /lacks images or labels of the shapes/,
    ],
    [
      'another count',
      () =>
        forged(
          withTrain(({ shards: [first], count }) => ({
            shards: [{ file: first?.file, count: count + 1 }],
            count: count + 1,
          })),
        ),
      /lacks/,
    ],
    ['another mean', () => forged((about) => ({ ...about, mean: [0.1] })), /its manifest is not that of its images/],
    [
      'counts of classes that are not its own',
      () => forged(withTrain(() => ({ perClass: [5, 0] }))),
      /its manifest is not that of its images/,
    ],
    [
      'a further label that its manifest does not name',
      () =>
        forged(same, (name, content) =>
          name === 'train-rows.jsonl'
            ? Buffer.from(new TextDecoder().decode(content).replace('}', ',"labels":{"colour":"red"}}'))
            : content,
        ),
      /image 0 of train has a label of "colour", which it does not name/,
    ],
    ['no digests', () => forged(withTrain(() => ({ digests: undefined }))), /no digests of the train images/],
    [
      'a shard that is not there',
      () => forged(withTrain(({ count }) => ({ shards: [{ file: 'x.safetensors', count }] }))),
      /x\.safetensors/,
    ],
    [
      'what is no data set',
      () => forged(() => ({ name: 'x' })),
      /^This is no data set as the writer of data sets writes it: /,
    ],
    [
      'images of one class',
      async () => {
        const writer = createSetWriter(given(), {
          name: 'x',
          classes,
          form: formOf(prepareDataParameters.parse({ dataset: 'generated' })),
        });
        const [pixels, digest] = [pixelsOf(1).pixels, new Uint8Array(32)];
        await writer.add('train', {
          pixels,
          channels: 1,
          label: 0,
          name: 'a',
          encoded: null,
          facts: null,
          digests: { source: digest, pixels: digest },
        });
        const none = { shards: [], count: 0, perClass: [0, 0] };
        await writer.publish({ train: await writer.finish('train'), validation: none, test: none }, []);
      },
      /images of one class; at least 2/,
    ],
    [
      'two data sets',
      async () => {
        await write({ classes }, greys(20));
        await write({ classes }, greys(22));
      },
      /must hold one data set/,
    ],
    [
      'a file that no one names',
      async () => {
        const { digest } = await write({ classes }, greys(20));
        await writeFile(join(output(), artifactFolder({ kind: 'dataset', digest }), 'more.bin'), 'x');
      },
      /it does not name artifacts\/dataset\/\w+\/more\.bin/,
    ],
    [
      'a file beside it',
      async () => {
        await write({ classes }, greys(20));
        await writeFile(join(output(), 'notes.txt'), 'x');
      },
      /there is notes\.txt beside it/,
    ],
    [
      'a shard that was changed',
      async () => {
        const { digest } = await write({ classes }, greys(20));
        const path = join(output(), artifactFolder({ kind: 'dataset', digest }), 'train-00000.safetensors');
        const content = await readFile(path);
        content.writeUInt8(255 - content.readUInt8(content.length - 100), content.length - 100);
        await writeFile(path, content);
      },
      /train-00000\.safetensors is damaged: expected SHA-256 \w+, found \w+\.$/,
    ],
  ])('and refused where it holds %s', async (_, make, message) => {
    await make();
    expect(await failure(adopt)).toEqual({ code: 'InvalidDataset', message: expect.stringMatching(message) });
    expect(await storeIn('store').list('staging')).toEqual([]);
  });

  it('and stored with the digests of its rows', async () => {
    await write({ classes, validation: 0, test: 0 }, greys(20));
    const { ref } = await adopt();
    const digests = await readRowDigests(storeIn('store'), ref, 'train');
    expect(new Set(digests?.source).size).toBe(20);
  });
});
