/** An encoder knows how a photo of any shape becomes what it was trained on. */
import { expect, it } from 'vitest';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { formOf } from '../../datasets/form.ts';
import { formOfEncoder, imageFormOf } from '../../datasets/index.ts';
import { images, prepare, twoClasses, useImageFolders, write } from './image-folder.ts';

useImageFolders();

it.each([
  ['nothing of its own', {}],
  ['crop', { fit: 'crop' }],
  ['a background', { background: '#FFaa01' }],
  ['resize, encoded', { fit: 'resize', encoding: { format: 'webp', quality: 80, margin: 1.5 } }],
  ['large, so encoded', { size: 96 }],
])('the form of a data set with %s is that of its encoder', async (_, asked) => {
  await write(twoClasses);
  const { about } = await prepare({ size: 32, channels: 3, ...asked });
  const wanted = formOf(
    prepareDataParameters.parse({ dataset: 'image-folder', path: images, size: 32, channels: 3, ...asked }),
  );
  const form = imageFormOf(about);
  const image = { ...about.image, mean: [], deviation: [] };
  const { encoding, ...found } = formOfEncoder({ image, ...(form ? { form } : {}) });
  const { encoding: wantedEncoding, ...rest } = wanted;
  expect(found).toEqual(rest);
  expect([encoding?.format, encoding?.quality]).toEqual([wantedEncoding?.format, wantedEncoding?.quality]);
});

it('a data set that no pipeline said anything of has no form, so that its digest is as it was', async () => {
  await write(twoClasses);
  expect((await prepare({ size: 16 })).about.form).toBeUndefined();
  expect((await prepare({ size: 16, background: '#000000' })).about.form).toEqual({
    fit: 'pad',
    background: '#000000',
  });
});
