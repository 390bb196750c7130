import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readRowDigests } from '../../datasets/index.ts';
import { images, prepare, twoClasses, useImageFolders, write } from './image-folder.ts';

useImageFolders();

describe('what is said before any training', () => {
  it('of one image as of one', async () => {
    await write(twoClasses);
    await cp(join(images, 'train/coat/0.png'), join(images, 'test/coat/copy.png'), { recursive: true });
    const { summary } = await prepare();
    expect(summary.warnings.join('\n')).toMatch(
      /^1 of 1 test image is an exact copy of train images \(1 file of the same bytes\)/m,
    );
  });

  it('which splits and classes have no image', async () => {
    for (let index = 0; index < 6; index++) await write({ [`train/c${index}`]: 1 });
    await write({ 'test/c0': 1 });
    await mkdir(join(images, 'val/c0'), { recursive: true });
    const { summary } = await prepare({ validation: 0.1 });
    expect(summary.warnings).toEqual([
      'No class has two training images, so SupCon has no pair to learn from: add images.',
      'No test image of 5 of 6 classes (c1, c2, c3, c4, c5): nothing is measured of them.',
      expect.stringMatching(/^The validation set is empty/),
    ]);
  });

  it('which images are in two splits or two classes: the same bytes, or the same to look at', async () => {
    await write(twoClasses);
    await cp(join(images, 'train/coat/0.png'), join(images, 'test/coat/copy.png'), { recursive: true });
    const again = await sharp(join(images, 'train/coat/1.png')).png({ compressionLevel: 0 }).toBuffer();
    await write({ 'test/coat/again.png': again, 'test/shirt': 1, 'train/shirt/also.png': again });
    const { ref, store, summary } = await prepare();
    expect(summary.copies).toEqual([
      {
        split: 'test',
        alsoIn: 'train',
        images: 2,
        sameBytes: 2,
        first: [
          { image: 'test/coat/again.png', copyOf: 'train/coat/1.png' },
          { image: 'test/coat/copy.png', copyOf: 'train/coat/0.png' },
        ],
      },
    ]);
    expect(summary.warnings.join('\n')).toMatch(/2 of 3 test images are exact copies of train images/);
    expect(summary.warnings.join('\n')).toMatch(/train\/shirt\/also\.png is train\/coat\/1\.png/);
    const [train, test] = [await readRowDigests(store, ref, 'train'), await readRowDigests(store, ref, 'test')];
    expect(test?.source.filter((digest) => train?.source.includes(digest))).toHaveLength(2);
  });
});
