/** A photo becomes the pixels that its data set would have, to the bit, whatever the form of the data set. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { imageFormOf, loadSplit, readRowFacts } from '../../datasets/index.ts';
import { photoReader } from '../../serving/photos.ts';
import { images, picture, prepare, useImageFolders, write } from '../datasets/image-folder.ts';

useImageFolders();

const photos = async () => ({
  'train/a/wide.png': await picture(30, 90, 40).png().toBuffer(),
  'train/a/tall.jpg': await picture(90, 31, 77).jpeg({ quality: 60 }).toBuffer(),
  'train/b/small.webp': await picture(140, 12, 9).webp().toBuffer(),
  'train/b/grey.png': await picture(200, 50, 50).toColourspace('b-w').png().toBuffer(),
});

it.each([
  ['padded', {}],
  ['cropped', { fit: 'crop' }],
  ['resized, on a colour', { fit: 'resize', background: '#ffaa01' }],
  ['grey', { channels: 1 }],
  ['kept as files with a margin', { encoding: { format: 'jpeg', quality: 80, margin: 1.25 } }],
])('%s', async (_, asked) => {
  await write(await photos());
  const { ref, about, store } = await prepare({ size: 32, channels: 3, ...asked });
  const form = imageFormOf(about);
  const read = photoReader({ image: { ...about.image, mean: [], deviation: [] }, ...(form ? { form } : {}) });
  const split = await loadSplit(store, ref, 'train');
  const facts = await readRowFacts(store, ref, 'train');
  const bytes = split.images.length / split.count;
  expect(split.count).toBe(4);
  for (const [row, { name }] of (facts ?? []).entries()) {
    const photo = await read(await readFile(join(images, name)));
    if ('rejected' in photo) throw new Error(photo.rejected);
    expect(Buffer.compare(photo.pixels, split.images.subarray(row * bytes, (row + 1) * bytes)), name).toBe(0);
  }
});
