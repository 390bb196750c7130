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
