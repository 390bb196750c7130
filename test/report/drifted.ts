import sharp from 'sharp';
import type { Drift } from '../../contracts/drift.ts';
import type { DriftReport } from '../../contracts/report.ts';

/** A square of one colour, as WebP in base64. */
const square = async (background: string) =>
  (
    await sharp({ create: { width: 48, height: 48, channels: 3, background } })
      .webp()
      .toBuffer()
  ).toString('base64');

const files = Array.from({ length: 9 }, (_, at) => `new-1-${at + 1}.webp`);
const share = (value: number) => ({ share: value, low: value - 0.02, high: value + 0.03 });

export const drift: Drift = {
  verdict: 'drifted',
  reasons: [
    '12.0 % of the recent images are like no known image, where 5.0 % of held-out ones are (95 % interval 10.0 % to 15.0 %).',
    '40 images look like one new thing, nearest to <b>shirt</b>; 1 smaller cluster besides.',
  ],
  falseAlarms: 0.01,
  level: 0.0025,
  seed: 0,
  images: { recent: 520, seen: 20, compared: 480, reference: 1000, split: 'validation', known: 9000 },
  embeddings: { discrepancy: 0.004, effect: 0.11, p: 0.0005 },
  unknown: { ...share(0.12), threshold: 0.9731, expected: 0.05, images: 58, p: 0.00001 },
  classes: {
    distance: 0.04,
    p: 0.2,
    count: 2,
    listed: [
      { class: '<b>shirt</b>', recent: share(0.5), reference: share(0.46) },
      { class: 'coat', recent: share(0.5), reference: share(0.54) },
    ],
  },
  looks: {
    p: 0.4,
    of: [
      { name: 'brightness', statistic: 0.05, recent: 0.29, reference: 0.31 },
      { name: 'contrast', statistic: 0.02, recent: 0.2, reference: 0.2 },
      { name: 'saturation', statistic: 0.01, recent: 0.1, reference: 0.1 },
    ],
  },
  news: {
    images: 500,
    unknown: 60,
    others: 15,
    clusters: [
      {
        size: 40,
        near: { class: '<b>shirt</b>', share: 0.8 },
        similarity: 0.95,
        images: files.map((picture, at) => ({ name: `incoming/a-rather-long-name-of-a-photo-${at}.jpg`, picture })),
        known: { name: 'train/shirt/1.jpg', label: '<b>shirt</b>', picture: 'known-1.webp' },
      },
      { size: 5, near: null, similarity: 0.96, images: [{ name: 'x.jpg' }], known: { name: 'train/2.jpg' } },
    ],
  },
};

export const drifted: DriftReport = {
  step: 'drift',
  drift,
  pictures: {
    ...Object.fromEntries(
      await Promise.all(files.map(async (file, at) => [file, await square(`hsl(${at * 40},60%,50%)`)])),
    ),
    'known-1.webp': await square('#406080'),
  },
};
