import { expect, it } from 'vitest';
import { openSplit, readRowDigests } from '../../../datasets/index.ts';
import { lookAt } from '../../../evaluation/inspection/looks.ts';
import { generatedData } from '../../training/small-training.ts';

it.each([
  ['grey', 1],
  ['coloured', 3],
])('an image of a %s data set has one digest, whether the data set keeps it or not', async (_, channels) => {
  const { store, dataset } = await generatedData(24, {
    generated: { classes: 2, images: 24, channels },
    validation: 0,
    test: 0.3,
  });
  const images = await openSplit(store, dataset, 'train');
  expect(images.channels).toBe(channels);
  const rows = Int32Array.from({ length: images.count }, (_, row) => row);
  const lookedAt = { wantsPixels: false, turn: async () => {} };
  const parts = [{ split: 'train', images, rows }] as const;
  const kept = await lookAt(store, dataset, parts, lookedAt);
  const unkept = await lookAt(store, { kind: 'dataset', digest: 'f'.repeat(64) }, parts, lookedAt);
  await images.close();
  expect(kept.digests).toEqual((await readRowDigests(store, dataset, 'train'))?.pixels);
  expect(unkept.digests).toEqual(kept.digests);
});
