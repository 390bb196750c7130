import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { images, prepare, refusal, twoClasses, useImageFolders, write } from '../image-folder.ts';

useImageFolders();

/** What the names of folders mean. */
describe('names of splits', () => {
  for (const [name, split] of [
    ['val', 'validation'],
    ['valid', 'validation'],
    ['Validation', 'validation'],
    ['Test', 'test'],
    ['TEST', 'test'],
  ] as const)
    it(`${name}/ is the ${split} set`, async () => {
      await write({ 'Train/coat': 3, 'Train/shirt': 3, [`${name}/coat`]: 2, [`${name}/shirt`]: 2 });
      const { splits } = (await prepare()).about;
      expect([splits.train.count, splits[split].count]).toEqual([6, 4]);
    });

  for (const [name, remedy] of [
    [
      'dev',
      /dev\/ \(2 files\) is none of the folders that count beside train\/: train, validation \(or val, valid\) and test.*rename it validation/,
    ],
    ['Testing', /rename it test/],
    ['extra', /extra\/ \(2 files\) is none of .* Move it away, or into train\//],
  ] as const)
    it(`${name}/ beside train/ is refused by name`, async () => {
      await write({ ...twoClasses, [`${name}/coat`]: 2 });
      expect(await refusal()).toMatch(remedy);
    });

  it('two folders for one split are refused', async () => {
    await write({ ...twoClasses, 'val/coat': 1, 'Valid/coat': 1 });
    expect(await refusal()).toMatch(/Valid\/, val\/ both mean validation: keep one/);
  });

  it('a test folder without train is no class', async () => {
    await write({ coat: 2, shirt: 2, 'Test/coat': 1 });
    expect(await refusal()).toMatch(/Test\/ is here, and no train\//);
  });

  it('Training/ and Testing/ of the same classes are no two classes', async () => {
    await write({ 'Training/coat': 2, 'Training/shirt': 2, 'Testing/coat': 1 });
    expect(await refusal()).toMatch(/Training\/ holds folders.*rename it train[\s\S]*|Testing/);
  });

  it('a folder around it all is named', async () => {
    await write({ 'archive/train/coat': 2, 'archive/train/shirt': 2 });
    expect(await refusal()).toMatch(/archive\/, holds folders.*name archive in `path`/);
  });

  it('a test class that train lacks, an empty class and a strange folder are told at once', async () => {
    await write({ ...twoClasses, 'test/sock': 1, 'holdout/coat': 1 });
    await mkdir(join(images, 'train/dress'));
    const message = await refusal();
    expect(message).toMatch(/3 problems/);
    for (const part of [
      /holdout\/ \(1 file\)/,
      /train\/dress has no image/,
      /test set has classes that train\/ lacks: sock/,
    ])
      expect(message).toMatch(part);
  });
});

describe('names of classes', () => {
  it('that differ in Unicode form are one class, in a split and between splits', async () => {
    const [composed, decomposed] = ['Übung'.normalize('NFC'), 'Übung'.normalize('NFD')];
    await write({ 'train/coat': 2, [`train/${composed}`]: 2, [`train/${decomposed}`]: 3, [`test/${decomposed}`]: 1 });
    const { about, summary } = await prepare();
    expect(about.classes).toEqual(['coat', composed]);
    expect([about.splits.train.perClass, about.splits.test.perClass]).toEqual([
      [2, 5],
      [0, 1],
    ]);
    expect(summary.warnings.join()).toMatch(/2 folders of train are named Übung in different Unicode forms/);
  });

  for (const [one, other] of [
    ['Shirt', 'shirt'],
    ['shirt', 'shirt '],
    ['STRASSE', 'straße'],
    ['shirt', 'ｓｈｉｒｔ'],
    ['shirt', 'shi\u200brt'],
  ] as const)
    it(`${JSON.stringify(one)} and ${JSON.stringify(other)} look the same and are refused with their code points`, async () => {
      await write({ 'train/coat': 1, [`train/${one}`]: 1, [`train/${other}`]: 1 });
      expect(await refusal()).toMatch(/look the same: .*U\+.*U\+/);
    });

  it('the dotless i is another letter', async () => {
    await write({ 'train/kız': 1, 'train/kiz': 1 });
    expect((await prepare()).about.classes).toEqual(['kiz', 'kız']);
  });

  it('a name of another case in the test set is refused', async () => {
    await write({ ...twoClasses, 'test/Coat': 1 });
    expect(await refusal()).toMatch(/look the same: "Coat" .*"coat"/);
  });

  it('may be in any script, with control characters, and as long as the file system allows', async () => {
    const names = ['פריט', '衣服', '👗', 'a\nb', 'x'.repeat(250), '-rf', "it's"];
    await write(Object.fromEntries(names.map((name) => [`train/${name}`, 1])));
    expect(new Set((await prepare()).about.classes)).toEqual(new Set(names));
  });
});
