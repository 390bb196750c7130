import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { permutation } from '../../../datasets/index.ts';
import { averageLinkage } from '../../../evaluation/drift/average-linkage.ts';
import { kolmogorovSmirnov, testLooks } from '../../../evaluation/drift/looks.ts';
import { testEmbeddings } from '../../../evaluation/drift/mean-discrepancy.ts';
import { drawRelabelings } from '../../../evaluation/drift/relabelings.ts';
import { betaBinomialTail } from '../../../evaluation/drift/unknown-share.ts';
import { cosineSimilarities } from '../../../evaluation/embedding.ts';
import { wilson } from '../../../evaluation/metrics/intervals.ts';

/** What NumPy and SciPy say of the same numbers; test/golden/make_drift.py asked them. */
const numbers = z.array(z.number());
const rows = z.array(numbers);
const golden = z
  .object({
    discrepancy: z.object({ recent: rows, reference: rows, discrepancy: z.number(), effect: z.number() }),
    kolmogorovSmirnov: z.array(z.object({ recent: numbers, reference: numbers, statistic: z.number(), p: z.number() })),
    tails: z.array(z.object({ hits: z.int(), n: z.int(), a: z.int(), b: z.int(), tail: z.number() })),
    intervals: z.array(z.object({ hits: z.int(), n: z.int(), low: z.number(), high: z.number() })),
    clusters: z.object({ points: rows, cuts: z.array(z.object({ least: z.number(), labels: numbers })) }),
  })
  .parse(JSON.parse(readFileSync(new URL('../../golden/drift.json', import.meta.url), 'utf8')));

const embeddingOf = (points: readonly (readonly number[])[]) => ({
  values: Float32Array.from(points.flat()),
  count: points.length,
  dimension: points[0]?.length ?? 0,
});
const noTurn = async () => {};

describe('the two-sample test of embeddings', () => {
  const { recent, reference, discrepancy, effect } = golden.discrepancy;
  const both = embeddingOf([...recent, ...reference]);

  it('estimates the squared maximum mean discrepancy without bias, as NumPy does', async () => {
    const found = await testEmbeddings(both, drawRelabelings(recent.length, both.count, 0), noTurn);
    expect(found.discrepancy).toBeCloseTo(discrepancy, 6);
    expect(found.effect).toBeCloseTo(effect, 5);
  });

  it('calls no more than a tenth of parts of one sample different at p 0.05', async () => {
    let found = 0;
    for (let seed = 0; seed < 40; seed++) {
      const order = permutation(reference.length, seed, 'test of p values');
      const points = embeddingOf(Array.from(order, (row) => reference[row] ?? []));
      if ((await testEmbeddings(points, drawRelabelings(8, points.count, seed), noTurn)).p <= 0.05) found++;
    }
    expect(found).toBeLessThanOrEqual(4);
  });
});

describe.each(golden.kolmogorovSmirnov)(
  'the statistic of Kolmogorov and Smirnov %#',
  ({ recent, reference, statistic, p }) => {
    const values = Float64Array.from([...recent, ...reference]);
    const ways = drawRelabelings(recent.length, values.length, 0);

    it('is that of SciPy', () => {
      const { statistics } = testLooks([values], ways);
      expect(statistics[0]).toBeCloseTo(statistic, 12);
    });

    it('has a p value by relabelings within four standard errors of the exact one', () => {
      const found = testLooks([values], ways).p;
      expect(Math.abs(found - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / ways.count) + 1 / ways.count);
    });
  },
);

it('does not count a distance between equal values', () => {
  expect(kolmogorovSmirnov(Float64Array.from([0, 0, 0, 0]), (place) => Number(place < 2), 2)).toBe(0);
});

it.each(golden.tails)(
  'the tail of $hits of $n is that of the beta-binomial distribution',
  ({ hits, n, a, b, tail }) => {
    expect(betaBinomialTail(hits, n, a, b) / tail).toBeCloseTo(1, 7);
  },
);

it.each(golden.intervals)('the interval of $hits of $n is that of Wilson', ({ hits, n, low, high }) => {
  const found = wilson(hits, n);
  expect(found.low).toBeCloseTo(low, 12);
  expect(found.high).toBeCloseTo(high, 12);
});

it.each(golden.clusters.cuts)(
  'clusters by average linkage, cut at a cosine of $least, are those of SciPy',
  ({ least, labels }) => {
    const { values, count } = cosineSimilarities(embeddingOf(golden.clusters.points));
    const found = averageLinkage(Float32Array.from(values), count, least);
    const wanted = new Map<number, number[]>();
    for (const [at, label] of labels.entries()) wanted.set(label, [...(wanted.get(label) ?? []), at]);
    const asSets = (clusters: Iterable<readonly number[]>) => new Set(Array.from(clusters, (each) => each.join()));
    expect(asSets(found)).toEqual(asSets(wanted.values()));
    expect(found.map(({ length }) => length)).toEqual(found.map(({ length }) => length).sort((a, b) => b - a));
  },
);
