import { expect, it } from 'vitest';
import type { Inspection } from '../../contracts/inspection.ts';
import type { InspectionReport } from '../../contracts/report.ts';
import { armsOf } from '../../report/arms.ts';
import { formatInspection } from '../../report/markdown/inspection.ts';
import { inspectionSection } from '../../report/page/sections/inspection.ts';
import { leaksSection } from '../../report/page/sections/leaks.ts';
import { classes, complete } from './complete.ts';

const shirt = classes.indexOf('shirt');
const [first] = complete.inspections as [InspectionReport];
const [measured] = complete.evaluations as [(typeof complete.evaluations)[number]];

/** The duplicates of an inspection of a data set whose test images are of classes that were held out. */
const unseen: Inspection = {
  ...first.inspection,
  images: [
    { split: 'train', images: 10 },
    { split: 'unseenTest', images: 60 },
  ],
  duplicates: {
    ...first.inspection.duplicates,
    found: [{ kind: 'near', split: 'unseenTest', alsoIn: 'unseenValidation', images: 3 }],
    pairs: [
      {
        kind: 'near',
        likeness: 0.99,
        a: { split: 'unseenTest', row: 1, name: 'a.png', label: shirt },
        b: { split: 'kept', row: 2, name: 'b.png', label: shirt },
      },
    ],
  },
};

it('splits are called by their words in the page, and one that is not known by its name', () => {
  const text = String(inspectionSection({ inspections: [{ ...first, inspection: unseen }] }, new Map())?.body)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
  expect(text).toContain('Looked at: 10 train, 60 unseen test.');
  expect(text).toContain('unseen test unseen validation near duplicates 3');
  expect(text).toContain('unseen test, shirt a.png');
  expect(text).toContain('kept, shirt b.png');
  expect(text).not.toContain('unseenTest');
});

it('splits are called by their words beside images that leak', () => {
  const { evaluation } = measured;
  const leaks = evaluation.leaks && { ...evaluation.leaks, pairs: unseen.duplicates.pairs };
  const leaking = { ...complete, evaluations: [{ ...measured, evaluation: { ...evaluation, leaks } }] };
  const text = String(leaksSection(armsOf(leaking), new Map())?.body).replaceAll(/<[^>]*>/g, ' ');
  expect(text).toContain('unseen test, shirt');
  expect(text).not.toContain('unseenTest');
});

it('splits are called by their words in Markdown', () => {
  const text = formatInspection(unseen);
  expect(text).toContain('| unseen test | unseen validation | near | 3 |');
  expect(text).toContain('| a.png (unseen test, shirt) | b.png (kept, shirt) | near |');
  expect(text).not.toContain('unseenTest');
});

/** The same with suspects by the loss of kept checkpoints: one that the classifiers suspect too, and one that they do not. */
const byLoss: Inspection = {
  ...first.inspection,
  suspects: {
    ...first.inspection.suspects,
    listed: first.inspection.suspects.listed.map((each, at) => ({ ...each, byLoss: at === 39 })),
    byLoss: {
      training: { run: 'goods-1', step: 'supcon' },
      epochs: [1, 2, 4],
      judged: 1200,
      leftOut: { classes: 1, images: 5 },
      count: 2,
      both: 1,
      listed: [true, false].map((byClassifiers) => ({
        split: 'train',
        row: byClassifiers ? 39 : 77,
        name: byClassifiers ? 'seen-twice.png' : 'seen-once.png',
        label: shirt,
        suggested: 2,
        votes: 0.88,
        margin: -0.25,
        limit: -0.1,
        byClassifiers,
      })),
    },
  },
};

it('a label that is suspected both ways is shown first, and what checkpoints alone suspect on its own', () => {
  const text = String(inspectionSection({ inspections: [{ ...first, inspection: byLoss }] }, new Map())?.body)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
  const [doubted, alone] = text.split('By the loss of kept checkpoints') as [string, string];
  expect(doubted.indexOf('97 %, by loss too, labelled')).toBeLessThan(doubted.indexOf('97 %, labelled'));
  expect(doubted.split('by loss too')).toHaveLength(2);
  expect(alone).toContain(
    '2 of 1 200 training images have labels whose class explains them worse than another does, by the checkpoints of goods-1/supcon after epochs 1, 2, 4.',
  );
  expect(alone).toContain('The classifiers doubt 1 of them as well');
  expect(alone).toContain('1 class has too few images to say.');
  expect(alone).toContain('88 % of its neighbours, labelled shirt seen-once.png');
  expect(alone).not.toContain('seen-twice.png');
  const without = String(inspectionSection({ inspections: [first] }, new Map())?.body);
  expect(without).not.toMatch(/by loss|kept checkpoints/i);
});

it('Markdown says which way a label was found where there are two', () => {
  const text = formatInspection(byLoss);
  expect(text).toContain('| image | label | suggested | confidence | by loss |');
  expect(text).toContain('by the checkpoints of goods-1/supcon after epochs 1, 2, 4. The classifiers doubt 1 of them');
  expect(text).toMatch(/\| seen-once\.png \| shirt \| .* \| 88\.00 % \| -0\.2500 \| no \|/);
  expect(text.indexOf('/39.png | ')).toBeLessThan(text.indexOf('/0.png | '));
  expect(formatInspection(first.inspection)).not.toMatch(/loss/);
});
