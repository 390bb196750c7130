/** Two searches of one run: among test images, and for the photos of one shop among those of another, with classes held out. */
import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { type Report, reportSchema } from '../../contracts/report.ts';
import { formatRetrieval } from '../../report/markdown/retrieval.ts';
import { renderReport } from '../../report/page/index.ts';
import { drawRetrieval } from '../../report/plots/retrieval.ts';
import { complete } from './complete.ts';

const estimate = (value: number, spread = 0.1) => ({ value, interval: [value - spread, value + spread] });
const standard = complete.retrieval[0] as Report['retrieval'][number];
const unseen = { images: { known: 200, unseen: 90 }, auroc: 0.81, oscr: 0.62, knownRefused: 0.04, unseenRefused: 0.33 };

const withTwoSearches: Report = reportSchema.parse({
  ...complete,
  retrieval: [
    standard,
    {
      ...standard,
      step: 'shops',
      retrieval: {
        ...standard.retrieval,
        query: { split: 'unseenTest', category: 'north <b>' },
        gallery: { split: 'unseenTest', category: 'south' },
        images: 90,
        galleryImages: 80,
        lone: 3,
        queries: 82,
        recallAt: [{ k: 1, ...estimate(0.51) }],
        copies: { inGallery: 4, ofTraining: 2, images: 5, with: { queries: 87, recallAt1: 0.55, mapAtR: 0.4 } },
        categories: [
          { name: 'north <b>', queries: 42, recallAt1: estimate(0.4), mapAtR: estimate(0.3) },
          { name: 'east', queries: 40, recallAt1: estimate(0.7), mapAtR: { value: 0.6, interval: null } },
        ],
        unknown: { test: unseen, validation: null, wanted: 0.05, threshold: 0.7123 },
      },
    },
  ],
});

it('the page shows each search by itself, with what was left out', () => {
  const { document } = parseHTML(renderReport(withTwoSearches, new Map()));
  const section = document.querySelector('section#retrieval');
  expect([...(section?.querySelectorAll('h3') ?? [])].map(({ textContent }) => textContent)).toEqual([
    'Test images, each among all the others',
    'Unseen test images of north <b> among unseen test images of south',
  ]);
  const text = (section?.textContent ?? '').replaceAll(/\s/g, ' ');
  expect(text).toContain(
    '59 queries of 60 images; 60 images in the gallery. Left out, for there is no other of their class in the gallery: 1 image.',
  );
  expect(text).toContain('82 queries of 90 images; 80 images in the gallery.');
  expect(text).toContain(
    'they find an exact copy: 5 queries (4 of another image of the gallery, 2 of a training image). With them recall at 1 is 55.00 %, on 87 queries.',
  );
  expect(text).toMatch(/unseen images called unknown\s*33\.00 %/);
  expect(text).toContain(
    'below 0.7123: validation images chose it, so that at most 5.00 % of those of trained classes are',
  );
  expect(text).toMatch(/north <b>\s*42\s*40\.00 % \(30\.00 % to 50\.00 %\)/);
  expect(section?.querySelectorAll('b')).toHaveLength(0);
});

it('the page and the Markdown say that nothing was measured, and why', () => {
  const nothing = { value: null, interval: null };
  const retrieval = {
    ...standard.retrieval,
    ...{ images: 9, lone: 4, queries: 0, rPrecision: nothing, mapAtR: nothing, ndcg: nothing, worst: [] },
    recallAt: [{ k: 1, ...nothing }],
    copies: { inGallery: 5, ofTraining: 0, images: 5, with: { queries: 5, recallAt1: 1, mapAtR: 1 } },
  };
  const text =
    'Nothing was measured, for no query is left: 4 images have no other of their class in the gallery, 5 images leak (5 exact copies).';
  expect(formatRetrieval(retrieval)).toContain(text);
  const report = reportSchema.parse({ ...complete, retrieval: [{ ...standard, retrieval }] });
  const { document } = parseHTML(renderReport(report, new Map()));
  expect(document.querySelector('section#retrieval')?.textContent).toContain(text);
});

it('each search has drawings of its own', () => {
  const arms = [{ name: standard.arm, index: 0 }] as unknown as Parameters<typeof drawRetrieval>[1];
  expect(drawRetrieval(withTwoSearches.retrieval, arms).map(({ name }) => name)).toEqual([
    'retrieval-recall',
    'retrieval-pairs',
    'retrieval-recall-2',
    'retrieval-pairs-2',
  ]);
});

it('the Markdown says the same', () => {
  const text = formatRetrieval((withTwoSearches.retrieval[1] as typeof standard).retrieval);
  expect(text).toContain('# Retrieval of goods: unseen test images of north \\<b\\> among unseen test images of south');
  expect(text).toContain('| test | 200 | 90 | 81.00 % | 62.00 % | 4.00 % | 33.00 % |');
  expect(text).toContain('40.00 % | 30.00 % to 50.00 %');
  expect(formatRetrieval(standard.retrieval)).not.toMatch(/unknown/i);
});
