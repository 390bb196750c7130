import { describe, expect, it } from 'vitest';
import type { Drift } from '../../contracts/drift.ts';
import { driftText } from '../../contracts/drift-text.ts';
import { reportSchema } from '../../contracts/report.ts';
import { formatDrift } from '../../report/markdown/drift.ts';
import { driftSection } from '../../report/page/sections/drift.ts';
import { complete } from './complete.ts';
import { drift, drifted } from './drifted.ts';

const markup = (of: Drift) => String(driftSection({ drifts: [{ ...drifted, drift: of }] })?.body);
const textOf = (of: Drift) =>
  markup(of)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

const tooFew: Drift = {
  ...drift,
  verdict: 'too few',
  reasons: ['5 recent images, and a verdict takes 20; of a group one counts.'],
  images: { ...drift.images, recent: 5, seen: 0, compared: 5 },
  embeddings: null,
  unknown: null,
  classes: null,
  looks: null,
  news: null,
};

describe('the section on drift', () => {
  it('begins with the verdict and its reasons, and says what was compared', () => {
    const text = textOf(drift);
    expect(text).toContain('drift: The recent images have drifted');
    expect(text).toContain('12.0 % of the recent images are like no known image');
    expect(text).toContain('480 of 520 recent images, 20 that the training or the reference has too left out');
  });

  it('shows each cluster by its pictures, beside the nearest known image', () => {
    const found = markup(drift);
    expect(found.match(/data:image\/webp;base64,/g)).toHaveLength(10);
    expect(found).toContain('<h4>40 images, nearest to &lt;b&gt;shirt&lt;/b&gt;');
    expect(textOf(drift)).toContain('known, &lt;b&gt;shirt&lt;/b&gt;: train/shirt/1.jpg');
  });

  it('sets in bold only the look whose difference decided', () => {
    const bold = markup({ ...drift, looks: drift.looks && { ...drift.looks, p: 0.001 } });
    const rows = bold.split('<tr>').filter((row) => row.includes('>mean '));
    expect(rows.map((row) => row.includes(' best'))).toEqual([true, false, false]);
  });

  it('names images of which there is no picture', () => {
    expect(String(driftSection({ drifts: [{ ...drifted, pictures: {} }] })?.body)).not.toContain('base64');
  });

  it('has no tables where there are too few images', () => {
    expect(markup(tooFew)).not.toContain('<table');
    expect(textOf(tooFew)).toContain('Too few images to say whether they have drifted');
  });

  it('is not there where nothing was compared, as in reports of before', () => {
    const { drifts: _, ...before } = complete;
    expect(driftSection(reportSchema.parse(before))).toBeNull();
  });
});

it('Markdown has the same', () => {
  const text = formatDrift(drift);
  expect(text).toMatch(/^# The recent images have drifted\n/);
  expect(text).toContain('| unknown images | 12.00 % for 5.00 % | 0.000010 |');
  expect(text).toContain('1, nearest to \\<b\\>shirt\\</b\\>');
  expect(formatDrift(tooFew)).toContain('5 recent images, and a verdict takes 20');
});

describe('the line of status', () => {
  const result = {
    drift: { kind: 'drift', digest: 'a'.repeat(64) },
    drifted: true,
    verdict: 'drifted',
    why: 'The images are darker.',
    images: 100,
    unknown: 0.05,
    expectedUnknown: 0.05,
    clusters: 0,
  };

  it('has the verdict and why', () => {
    expect(driftText({ uses: 'drift', result })).toBe('drifted: The images are darker.');
    expect(
      driftText({ uses: 'drift', result: { ...result, drifted: false, verdict: 'too few', why: '5 recent images.' } }),
    ).toBe('too few: 5 recent images.');
  });

  it('is empty for other steps, and for one that is not done', () => {
    expect(driftText({ uses: 'embed', result })).toBe('');
    expect(driftText({ uses: 'drift', result: null })).toBe('');
  });
});
