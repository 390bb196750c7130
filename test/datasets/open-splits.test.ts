/** Splits that keep groups together, or hold whole classes out. Folders are made of small PNGs, as people have them. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SplitName, splitNames, splitOf } from '../../contracts/artifacts.ts';
import { adoptDataset, loadSplit, readRowDigests } from '../../datasets/index.ts';
import { sha256 } from '../../datasets/row-digests.ts';
import { readRowFacts } from '../../datasets/row-facts.ts';
import { isTaken, nameDigest, sideOf } from '../../datasets/split.ts';
import { createDatasetWriter, type DatasetOptions, type GivenImage } from '../../pipelines/dataset.ts';
import { openStore } from '../../store/index.ts';
import { folder, images, picture, prepare, refusal, useImageFolders, write } from './image-folder.ts';

useImageFolders();

type Prepared = Awaited<ReturnType<typeof prepare>>;

/** Where each image of a prepared set is, by the digest of its file. */
async function sidesOf({ store, ref }: Prepared): Promise<ReadonlyMap<string, SplitName>> {
  const sides = new Map<string, SplitName>();
  for (const split of splitNames)
    for (const digest of (await readRowDigests(store, ref, split))?.source ?? []) sides.set(digest, split);
  return sides;
}

/** The names of the classes that have images in a split. */
const classesIn = ({ about }: Prepared, split: SplitName) =>
  about.classes.filter((_, label) => (splitOf(about, split).perClass[label] ?? 0) > 0);

const classNames = Array.from({ length: 12 }, (_, index) => `c${String(index).padStart(2, '0')}`);
const byClass = { split: { by: 'class', validation: 0.2, test: 0.3, seed: 3 }, validation: 0.4, test: 0.3 };

async function writeClasses(names: readonly string[], each = 4): Promise<void> {
  for (const name of names) await write({ [name]: each });
}

describe('a split by class', () => {
  it('holds whole classes out, names those first that are trained on, and divides the images of these', async () => {
    await writeClasses(classNames);
    const prepared = await prepare(byClass);
    const { about, store, ref, summary } = prepared;
    const trained = about.classes.slice(0, about.trainedClasses);
    const unseen = about.classes.slice(about.trainedClasses);
    expect(trained).toEqual(trained.toSorted());
    expect(unseen).toEqual(unseen.toSorted());
    expect(about.classes.toSorted()).toEqual(classNames);
    const unseenTest = classNames.filter((name) => isTaken(nameDigest(name), 0.3, 3, 'unseen test classes'));
    expect(unseenTest.length).toBeGreaterThan(1);
    expect(classesIn(prepared, 'unseenTest')).toEqual(unseenTest);
    expect(classesIn(prepared, 'unseenValidation')).toEqual(unseen.filter((name) => !unseenTest.includes(name)));
    expect(classesIn(prepared, 'unseenValidation').length).toBeGreaterThan(0);
    for (const split of ['train', 'validation', 'test'] as const) {
      const { labels } = await loadSplit(store, ref, split);
      expect(labels.length).toBeGreaterThan(0);
      expect(Math.max(...labels)).toBeLessThan(about.trainedClasses ?? 0);
    }
    const { labels } = await loadSplit(store, ref, 'unseenTest');
    expect(labels.map((label) => unseenTest.indexOf(about.classes[label] ?? ''))).toEqual(
      Int32Array.from({ length: 4 * unseenTest.length }, (_, row) => Math.floor(row / 4)),
    );
    expect(summary.files).toMatchObject({ found: 48, used: 48, leftOut: 0, rejected: 0 });
  });

  it('moves no class and no image when classes and images are added', async () => {
    await writeClasses(classNames);
    const before = await sidesOf(await prepare(byClass));
    await writeClasses(['a-new-one', 'b-new-one', 'z-new-one']);
    await write({ 'c00/more': 3 });
    const after = await sidesOf(await prepare(byClass));
    expect(after.size).toBe(before.size + 15);
    for (const [digest, side] of before) expect(after.get(digest)).toBe(side);
    expect(new Set(before.values())).toEqual(new Set(splitNames));
  });

  it('takes the images of a class that is held out from the folders train and test alike', async () => {
    for (const name of classNames) await write({ [`train/${name}`]: 3, [`test/${name}`]: 2 });
    const prepared = await prepare({ ...byClass, validation: 0 });
    const { about } = prepared;
    const held = classesIn(prepared, 'unseenTest');
    expect(splitOf(about, 'unseenTest').count).toBe(5 * held.length);
    expect(classesIn(prepared, 'test')).toEqual(about.classes.slice(0, about.trainedClasses));
    expect(about.splits.test.count).toBe(2 * (about.trainedClasses ?? 0));
  });

  it('takes shares and seed from the step where it names none', async () => {
    await writeClasses(classNames);
    const named = await prepare({
      split: { by: 'class', validation: 0.3, test: 0.4, seed: 3 },
      validation: 0.3,
      test: 0.4,
      seed: 3,
    });
    expect((await prepare({ split: { by: 'class' }, validation: 0.3, test: 0.4, seed: 3 })).ref).toEqual(named.ref);
  });

  it('needs two classes to train on, and one to hold out', async () => {
    await writeClasses(classNames.slice(0, 3), 2);
    expect(await refusal({ split: { by: 'class', test: 0.9, validation: 0.9 } })).toMatch(
      /^Of 3 classes `split: \{ by: class \}` leaves (none|one) to train on; at least 2 are needed\. Lower `split\.test` \(0\.9\)/,
    );
    expect(await refusal({ split: { by: 'class', test: 0.0001 } })).toMatch(
      /holds none out for the test\. Raise `split\.test` \(0\.0001\), or take another `split\.seed`/,
    );
    expect(await refusal({ split: { by: 'class' } })).toMatch(/Set `split\.test` above 0/);
  });

  it('says that none fell to the unseen validation where some were wanted', async () => {
    await writeClasses(classNames);
    const { about, summary } = await prepare({ split: { by: 'class', validation: 0.0001, test: 0.3, seed: 3 } });
    expect(about.splits.unseenValidation).toBeUndefined();
    expect(summary.warnings.join('\n')).toMatch(/No class fell to the unseen validation/);
  });

  it('counts what a table names and cannot be used for its own class, wherever that stands now', async () => {
    await writeClasses(classNames);
    const lost = classNames.find((name) => isTaken(nameDigest(name), 0.3, 3, 'unseen test classes')) ?? '';
    const rows = classNames.flatMap((name) => [0, 1, 2, 3].map((at) => `${name}/${at}.png,${name}`));
    const table = join(images, 'table.csv');
    await writeFile(table, ['image,label', ...rows, `${lost}/is-gone.png,${lost}`, ''].join('\n'));
    const { about, summary } = await prepare({ ...byClass, dataset: 'table', path: table });
    expect(about.classes.indexOf(lost)).not.toBe(classNames.indexOf(lost));
    expect(summary.incomplete).toEqual([{ class: lost, found: 5, used: 4, rejected: 1 }]);
  });

  it('tells copies of trained images among those of unseen classes', async () => {
    await writeClasses(classNames);
    const { about } = await prepare(byClass);
    const [trained, unseen] = [about.classes[0], about.classes.at(-1)];
    const same = await picture(5, 20).png().toBuffer();
    await write({ [`${trained}/same.png`]: same, [`${unseen}/same.png`]: same });
    const { summary } = await prepare({ ...byClass, validation: 0, test: 0 });
    expect(summary.copies).toMatchObject([{ alsoIn: 'train', images: 1, sameBytes: 1 }]);
    expect(summary.warnings.join('\n')).toMatch(
      /1 of \d+ unseen (test|validation) images (is an exact copy|are exact copies) of train images/,
    );
  });
});

describe('a split by group', () => {
  const byGroup = { split: { by: 'group' }, validation: 0.3, test: 0.3, seed: 1 };
  const groups = Array.from({ length: 10 }, (_, index) => `sku-${index}`);
  const writeGroups = async (each: number) => {
    for (const name of ['coat', 'shirt']) for (const group of groups) await write({ [`${name}/${group}`]: each });
  };
  /** In which splits the images of each group are, by the names in the list of all files. */
  const sidesOfGroups = async ({ list }: Prepared) => {
    const sides = new Map<string, Set<string>>();
    for (const line of (await readFile(list, 'utf8')).trim().split('\n').slice(1)) {
      const [side = '', path = ''] = line.split('\t');
      const group = path.split('/').slice(0, 2).join('/');
      sides.set(group, (sides.get(group) ?? new Set()).add(side));
    }
    return sides;
  };

  it('puts all images of a folder inside a class on one side, and each group where its own hash says', async () => {
    await writeGroups(3);
    const sides = await sidesOfGroups(await prepare(byGroup));
    expect(sides.size).toBe(20);
    for (const [group, own] of sides) {
      expect([...own]).toEqual([sideOf(nameDigest(group), { validation: 0.3, test: 0.3, seed: 1 })]);
    }
    expect(new Set([...sides.values()].flatMap((own) => [...own]))).toEqual(new Set(['train', 'validation', 'test']));
  });

  it('moves no group when groups and their images are added', async () => {
    await writeGroups(2);
    const before = await sidesOfGroups(await prepare(byGroup));
    await write({ 'coat/a-new-group': 2, 'coat/sku-3/deeper': 2, 'hat/sku-3': 3 });
    const after = await sidesOfGroups(await prepare(byGroup));
    expect(after.size).toBe(22);
    for (const [group, side] of before) expect(after.get(group)).toEqual(side);
  });

  it('takes an image without a group for a group of its own', async () => {
    await writeGroups(1);
    await write({ coat: 6 });
    const sides = await sidesOf(await prepare(byGroup));
    for (let index = 0; index < 6; index++) {
      const digest = sha256(await readFile(join(images, 'coat', `${index}.png`)));
      const side = sideOf(digest, { validation: 0.3, test: 0.3, seed: 1 });
      expect(sides.get(Buffer.from(digest).toString('hex'))).toBe(side);
    }
  });

  it('needs groups, which are not divided already', async () => {
    await write({ 'train/coat': 2, 'train/shirt': 2 });
    expect(await refusal(byGroup)).toMatch(/says of no training image to which group it belongs.*<class>\/<group>/);
    await write({ 'train/coat/sku-1': 2, 'test/coat/sku-1': 1 });
    expect(await refusal(byGroup)).toMatch(/the train and test sets both have coat\/sku-1/);
    await rm(join(images, 'test'), { recursive: true });
    expect((await prepare(byGroup)).about.classes).toEqual(['coat', 'shirt']);
  });
});

describe('a program that writes a data set', () => {
  const params = { validation: 0.2, test: 0.2 };
  async function written(options: DatasetOptions, given: readonly GivenImage[]) {
    const output = join(folder, 'output');
    await rm(output, { recursive: true, force: true });
    await mkdir(output);
    const writer = createDatasetWriter(output, { name: 'images', ...options });
    await writer.addAll(given);
    const result = await writer.finish();
    return { result, adopted: await adoptDataset(openStore(join(folder, 'adopted')), output, {}) };
  }

  it('holds out the classes that prepare-data holds out, and the store takes what it wrote', async () => {
    await writeClasses(classNames);
    const split = { by: 'class', validation: 0.2, test: 0.3, seed: 3 } as const;
    const prepared = await prepare({ ...params, split });
    const given = classNames.flatMap((name) =>
      Array.from({ length: 4 }, (_, index): GivenImage => ({ class: name, file: join(images, name, `${index}.png`) })),
    );
    const inOrder = prepared.about.classes.flatMap((name) => given.filter((image) => image.class === name));
    const { result, adopted } = await written({ classes: classNames, ...params, split }, inOrder);
    const sidesWritten = await sidesOf({ ...prepared, store: openStore(join(folder, 'adopted')), ref: adopted.ref });
    expect(sidesWritten).toEqual(await sidesOf(prepared));
    expect(result.digest).toBe(adopted.ref.digest);
    expect(result.counts.unseenTest).toBe(prepared.about.splits.unseenTest?.count);
    const unseen = prepared.about.classes.at(-1) ?? '';
    await expect(
      written({ classes: classNames, ...params, split }, [
        { class: unseen, file: join(images, unseen, '0.png'), split: 'train' },
      ]),
    ).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/cannot be put into train: .* holds c\d\d out, for unseen (test|validation)/),
    });
  });

  it('keeps the images of a group on one side', async () => {
    await write({ coat: 8, shirt: 8 });
    const given = ['coat', 'shirt'].flatMap((name) =>
      Array.from(
        { length: 8 },
        (_, index): GivenImage => ({
          class: name,
          file: join(images, name, `${index}.png`),
          group: `sku-${index % 4}`,
          category: 'north',
        }),
      ),
    );
    const { result, adopted } = await written(
      { classes: ['coat', 'shirt'], validation: 0.5, test: 0, split: { by: 'group' } },
      given,
    );
    const facts = (await readRowFacts(openStore(join(folder, 'adopted')), adopted.ref, 'train')) ?? [];
    expect(facts).toHaveLength(result.counts.train);
    for (const { name, ...own } of facts)
      expect(own).toEqual({ group: `sku-${parseInt(name, 10) % 4}`, category: 'north' });
    const inValidation = [0, 1, 2, 3].filter(
      (group) => sideOf(nameDigest(`sku-${group}`), { validation: 0.5, test: 0, seed: 0 }) === 'validation',
    );
    expect(inValidation.length).toBeGreaterThan(0);
    expect(result.counts).toEqual({
      train: 16 - 4 * inValidation.length,
      validation: 4 * inValidation.length,
      test: 0,
    });
  });
});
