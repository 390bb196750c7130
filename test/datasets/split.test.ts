import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset, readRowDigests } from '../../datasets/index.ts';
import { digestsOf } from '../../datasets/row-digests.ts';
import { type Divisible, divideRows, evenQuotas, selectRows } from '../../datasets/split.ts';
import { openStore } from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-split-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const store = openStore(join(root, 'store'));

const splits = ['train', 'validation', 'test'] as const;
type Side = (typeof splits)[number];

/** Images by what they hold, each with its class, in the order given. */
async function imagesOf(content: readonly (readonly [value: number, label: number])[]): Promise<Divisible> {
  const digests = await digestsOf(content.length, (row) => Buffer.from(String(content[row]?.[0])));
  return { digests, labels: Int32Array.from(content, ([, label]) => label) };
}

const everyRow = ({ labels }: Divisible) => [...labels.keys()];

describe('the side of an image', () => {
  const images = fc.uniqueArray(fc.tuple(fc.integer(), fc.integer({ min: 0, max: 5 })), {
    selector: ([value]) => value,
    maxLength: 60,
  });

  it('is the same in every superset, with other classes and in any order', () =>
    fc.assert(
      fc.asyncProperty(images, images, fc.integer({ min: 0, max: 1000 }), fc.double({ min: 0, max: 0.5 }), (...args) =>
        (async ([first, more, seed, share]) => {
          const known = new Set(first.map(([value]) => value));
          const all = [...more.filter(([value]) => !known.has(value)), ...first].reverse();
          const takenOf = async (content: typeof first) => {
            const set = await imagesOf(content);
            const { taken, left } = divideRows(set, everyRow(set), share, seed, 'test split');
            expect([...taken, ...left].sort((a, b) => a - b)).toEqual(everyRow(set));
            return new Set(taken.map((row) => content[row]?.[0]));
          };
          const [before, after] = [await takenOf(first), await takenOf(all)];
          expect(new Set([...after].filter((value) => known.has(value as number)))).toEqual(before);
        })(args),
      ),
      { numRuns: 50 },
    ));

  it('is the share that was asked for, up to chance, and none or all at 0 and 1', async () => {
    const set = await imagesOf(Array.from({ length: 20_000 }, (_, value) => [value, value % 4]));
    const share = (of: number, seed: number) =>
      divideRows(set, everyRow(set), of, seed, 'test split').taken.length / 20_000;
    expect([share(0, 1), share(1, 1)]).toEqual([0, 1]);
    // Four deviations of 20,000 draws.
    for (const seed of [0, 1, 77]) expect(Math.abs(share(0.2, seed) - 0.2)).toBeLessThan(0.012);
  });

  it('differs between seeds and purposes', async () => {
    const set = await imagesOf(Array.from({ length: 1000 }, (_, value) => [value, 0]));
    const taken = (seed: number, purpose: string) => new Set(divideRows(set, everyRow(set), 0.5, seed, purpose).taken);
    const shared = [...taken(0, 'a')].filter((row) => taken(1, 'a').has(row)).length;
    expect(shared).toBeGreaterThan(180);
    expect(shared).toBeLessThan(320);
    expect(taken(0, 'a')).not.toEqual(taken(0, 'b'));
  });
});

describe('a selection of so many images', () => {
  it('is even over the classes, and does not depend on the order of the images', async () => {
    const content = Array.from({ length: 90 }, (_, value) => [value, value < 60 ? 0 : value < 85 ? 1 : 2] as const);
    const selected = async (order: typeof content) => {
      const set = await imagesOf(order);
      return selectRows(set, everyRow(set), 40, 3, 'train limit').map((row) => order[row] as readonly [number, number]);
    };
    const chosen = await selected(content);
    expect([0, 1, 2].map((label) => chosen.filter((image) => image[1] === label).length)).toEqual([18, 17, 5]);
    const again = await selected(content.toReversed());
    expect(again.sort(([a], [b]) => a - b)).toEqual(chosen);
  });
});

describe('how many images each class gives', () => {
  it('is one more of each class that has more, round after round, until there are enough', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }), fc.nat(50), (sizes, wanted) => {
        const limit = Math.min(
          wanted,
          sizes.reduce((sum, size) => sum + size, 0),
        );
        const rounds = sizes.map(() => 0);
        for (let given = 0; given < limit; )
          for (const [at, size] of sizes.entries())
            if ((rounds[at] ?? 0) < size && given < limit) {
              rounds[at] = (rounds[at] ?? 0) + 1;
              given++;
            }
        expect(evenQuotas(sizes, limit)).toEqual(rounds);
      }),
    ));

  it('is found in a few looks at each class, also where one is a thousand times as large as the others', () => {
    let looks = 0;
    const sizes = new Proxy([100_000, ...Array<number>(5000).fill(2)], {
      get: (target, key, receiver) => {
        looks++;
        return Reflect.get(target, key, receiver);
      },
    });
    const quotas = evenQuotas(sizes, 60_000);
    expect(quotas[0]).toBe(50_000);
    expect(looks).toBeLessThan(50 * sizes.length);
  });
});

describe('every adapter that splits', () => {
  const prepare = async (params: object) => {
    const { ref } = await prepareDataset(store, prepareDataParameters.parse(params), {
      cacheFolder: join(root, 'cache'),
    });
    return sidesOf(ref);
  };
  const sidesOf = async (ref: ArtifactRef): Promise<Map<string, Side>> => {
    const sides = new Map<string, Side>();
    for (const name of splits)
      for (const digest of (await readRowDigests(store, ref, name))?.source ?? []) sides.set(digest, name);
    return sides;
  };
  const expectSameSides = (before: ReadonlyMap<string, Side>, after: ReadonlyMap<string, Side>) => {
    for (const [digest, side] of before) expect([digest, after.get(digest)]).toEqual([digest, side]);
    expect(after.size).toBeGreaterThan(before.size);
  };

  it('a folder that grows by images and classes, with files renamed, keeps every image on its side', async () => {
    const [small, large] = [join(root, 'small'), join(root, 'large')];
    const write = async (folder: string, name: string, from: number, to: number) => {
      await mkdir(join(folder, name), { recursive: true });
      for (let index = from; index < to; index++)
        await sharp({ create: { width: 9, height: 8, channels: 3, background: { r: index, g: name.length, b: 7 } } })
          .png()
          .toFile(join(folder, name, `${index}.png`));
    };
    for (const name of ['coat', 'dress']) await write(small, name, 0, 30);
    await cp(small, large, { recursive: true });
    for (const name of await readdir(join(large, 'coat')))
      await rename(join(large, 'coat', name), join(large, 'coat', `${100 - Number.parseInt(name, 10)}.png`));
    await write(large, 'dress', 30, 45);
    await write(large, 'a-new-class', 0, 20);
    const params = { dataset: 'image-folder', validation: 0.2, test: 0.3 };
    const before = await prepare({ ...params, path: small });
    expect(new Set(before.values())).toEqual(new Set(splits));
    expectSameSides(before, await prepare({ ...params, path: large }));
    expectSameSides(before, await prepare({ ...params, path: large, fit: 'resize', channels: 1 }));
  });

  it('IDX files and CIFAR-10 keep every training image on its side', async () => {
    const pixels = (index: number, bytes: number) =>
      createHash('shake256', { outputLength: bytes }).update(String(index)).digest();
    const idx = async (folder: string, count: number) => {
      const images = Buffer.concat([
        Buffer.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]),
        ...Array.from({ length: count }, (_, at) => pixels(count - at, 784)),
      ]);
      const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, count, ...Array.from({ length: count }, (_, at) => at % 10)]);
      await mkdir(folder, { recursive: true });
      for (const part of ['train', 't10k']) {
        await writeFile(join(folder, `${part}-images-idx3-ubyte`), images);
        await writeFile(join(folder, `${part}-labels-idx1-ubyte`), labels);
      }
    };
    const cifar = async (folder: string, count: number) => {
      await mkdir(folder, { recursive: true });
      const records = (from: number) =>
        Buffer.concat(
          Array.from({ length: count }, (_, at) => Buffer.concat([Buffer.of(at % 10), pixels(from - at, 3072)])),
        );
      for (let batch = 1; batch <= 5; batch++)
        await writeFile(join(folder, `data_batch_${batch}.bin`), records(batch * 1000 + count));
      await writeFile(join(folder, 'test_batch.bin'), records(100));
    };
    for (const [dataset, write] of [
      ['mnist', idx],
      ['fashion-mnist', idx],
      ['cifar10', cifar],
    ] as const) {
      const [small, large] = [join(root, `${dataset}-small`), join(root, `${dataset}-large`)];
      await write(small, 60);
      await write(large, 80);
      const trainingSides = async (path: string) => {
        const { ref } = await prepareDataset(store, prepareDataParameters.parse({ dataset, path, validation: 0.3 }), {
          cacheFolder: join(root, 'cache'),
        });
        const sides = await sidesOf(ref);
        const test = new Set((await readRowDigests(store, ref, 'test'))?.source);
        return new Map([...sides].filter(([digest]) => dataset !== 'cifar10' || !test.has(digest)));
      };
      expectSameSides(await trainingSides(small), await trainingSides(large));
    }
  });

  it('generated images are split by what they show', async () => {
    const sides = await prepare({ dataset: 'generated', generated: { classes: 3, images: 90 }, validation: 0.3 });
    expect([...new Set(sides.values())].sort()).toEqual(['test', 'train', 'validation']);
    const params = { dataset: 'generated', generated: { classes: 3, images: 120 }, validation: 0.3 };
    expectSameSides(sides, await prepare(params));
  });
});

describe('the digests of the rows', () => {
  it('are those of the files, in the order of the rows, and of the prepared pixels', async () => {
    const folder = join(root, 'digests');
    const picture = (index: number) =>
      sharp({ create: { width: 32, height: 32, channels: 3, background: { r: index, g: index, b: index } } });
    for (const name of ['a', 'b']) {
      await mkdir(join(folder, name), { recursive: true });
      for (let index = 0; index < 3; index++)
        await picture(10 * index + (name === 'a' ? 0 : 5))
          .png()
          .toFile(join(folder, name, `${index}.png`));
    }
    // The same picture, stored in grey: another file, the same pixels.
    await picture(5)
      .toColourspace('b-w')
      .png({ compressionLevel: 1 })
      .toFile(join(folder, 'b', '3.png'));
    const { ref } = await prepareDataset(
      store,
      prepareDataParameters.parse({ dataset: 'image-folder', path: folder, validation: 0, test: 0 }),
      { cacheFolder: join(root, 'cache') },
    );
    const files = ['a/0', 'a/1', 'a/2', 'b/0', 'b/1', 'b/2', 'b/3'];
    const expected = await Promise.all(
      files.map(async (name) =>
        createHash('sha256')
          .update(await readFile(join(folder, `${name}.png`)))
          .digest('hex'),
      ),
    );
    const digests = await readRowDigests(store, ref, 'train');
    expect(digests?.source).toEqual(expected);
    expect(digests?.pixels[6]).toBe(digests?.pixels[3]);
    expect(new Set(digests?.pixels).size).toBe(6);
    expect(await readRowDigests(store, ref, 'test')).toEqual({ source: [], pixels: [] });
  });
});
