import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedCalibrationError, reliability } from '../../evaluation/metrics/calibration.ts';
import {
  accuracyOf,
  answersOf,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  topKAccuracy,
} from '../../evaluation/metrics/classification.ts';
import { areaUnder, falsePositivesAt, rocCurve } from '../../evaluation/metrics/detection.ts';
import { pairMeasures, silhouette } from '../../evaluation/metrics/geometry.ts';
import { retrieval } from '../../evaluation/metrics/retrieval.ts';
import { nearestNeighbourAccuracy } from '../../evaluation/nearest-neighbours.ts';
import { sampleClasses, sampleOfEach } from '../../evaluation/sample-classes.ts';
import { similaritiesOf } from './similarities.ts';

/** A mean over nothing is null: never 0, which is the worst or, of a distance, the best; nor NaN. */
const nothing = new Int32Array();
const rows = (labels: readonly number[], dimension: number) =>
  labels.map((label) => Array.from({ length: dimension }, (_, at) => Number(at === label)));

describe('where nothing counts', () => {
  it('a classifier has no accuracy, no F1 and no calibration', () => {
    const answers = answersOf({ values: new Float64Array(), count: 0, classes: 3 }, nothing);
    expect([topKAccuracy(answers, 1), topKAccuracy(answers, 5), accuracyOf(nothing, nothing)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(macroF1(perClassMetrics(confusionMatrix(nothing, nothing, 3)))).toBeNull();
    expect(expectedCalibrationError(reliability(answers, nothing))).toBeNull();
  });

  it('an embedding of classes with one image each has no retrieval, no silhouette and no distance within classes', () => {
    const labels = Int32Array.of(0, 1, 2);
    const similarities = similaritiesOf(rows([0, 1, 2], 3));
    expect(retrieval(similarities, labels, [1, 2])).toEqual({
      queries: 0,
      recallAt: [
        { k: 1, value: null },
        { k: 2, value: null },
      ],
      rPrecision: null,
      mapAtR: null,
    });
    expect(silhouette(similarities, labels, 'cosine')).toBeNull();
    expect(pairMeasures(similarities, labels)).toMatchObject({
      alignment: null,
      intra: null,
      pairs: { within: 0, between: 3 },
    });
  });

  it('an embedding of one class has no silhouette and no distance between classes; of one image, nothing', () => {
    const one = Int32Array.of(4, 4);
    expect(silhouette(similaritiesOf(rows([0, 1], 2)), one, 'cosine')).toBeNull();
    expect(pairMeasures(similaritiesOf(rows([0, 1], 2)), one)).toMatchObject({ inter: null, pairs: { between: 0 } });
    expect(pairMeasures(similaritiesOf(rows([0], 1)), Int32Array.of(0))).toMatchObject({
      alignment: null,
      uniformity: null,
      intra: null,
      inter: null,
    });
  });

  it('nothing is told from nothing', () => {
    for (const curve of [rocCurve([], [1]), rocCurve([1], []), rocCurve([], [])])
      expect([areaUnder(curve), falsePositivesAt(curve, 0.95)]).toEqual([null, null]);
  });

  it('neighbours of no image have no accuracy', async () => {
    const train = { values: Float32Array.of(1, 0), count: 1, dimension: 2, labels: Int32Array.of(0) };
    const test = { values: new Float32Array(), count: 0, dimension: 2, labels: nothing };
    const [found] = await nearestNeighbourAccuracy(train, test, { ks: [3], onProgress: () => {} });
    expect(found?.accuracy).toBeNull();
  });
});

describe('classes without images', () => {
  it('do not pull macro F1 down: it is the mean over the classes that occur, as scikit-learn has it', () => {
    const labels = Int32Array.from({ length: 90 }, (_, row) => row % 9);
    const perClass = perClassMetrics(confusionMatrix(labels, labels, 10));
    expect(macroF1(perClass)).toBe(1);
    expect(perClass[9]).toEqual({ precision: null, recall: null, f1: null, support: 0 });
  });

  it('that are predicted all the same count, with an F1 of 0', () => {
    // sklearn.metrics.f1_score([0, 0], [0, 1], average='macro') is 1/3.
    expect(macroF1(perClassMetrics(confusionMatrix(Int32Array.of(0, 0), Int32Array.of(0, 1), 3)))).toBeCloseTo(
      1 / 3,
      12,
    );
  });

  it('change no mean, wherever they are added', () => {
    const images = fc.array(fc.record({ label: fc.nat(3), predicted: fc.nat(3) }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(images, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 5 }), (given, at, more) => {
        const moved = (label: number) => (label >= at ? label + more : label);
        const of = (turn: (label: number) => number, classes: number) => {
          const labels = Int32Array.from(given, ({ label }) => turn(label));
          const predicted = Int32Array.from(given, (each) => turn(each.predicted));
          const similarities = similaritiesOf(
            rows(
              given.map((each) => each.predicted),
              4,
            ),
          );
          return [
            macroF1(perClassMetrics(confusionMatrix(labels, predicted, classes))),
            accuracyOf(predicted, labels),
            silhouette(similarities, labels, 'cosine'),
            retrieval(similarities, labels, [1]),
            pairMeasures(similarities, labels),
          ];
        };
        const [few, many] = [of((label) => label, 4), of(moved, 4 + more)];
        expect(JSON.stringify(many)).toBe(JSON.stringify(few));
      }),
    );
  });
});

describe('the sample on which pairs are compared', () => {
  const someLabels = fc
    .array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40 })
    .map((sizes) => sizes.flatMap((size, label) => new Array<number>(size).fill(label)));

  it('leaves no image alone that has others of its class, and is at most as large as asked for', () => {
    fc.assert(
      fc.property(someLabels, fc.integer({ min: 4, max: 60 }), fc.boolean(), (sorted, most, isTurned) => {
        const labels = Int32Array.from(isTurned ? sorted.toReversed() : sorted);
        const sample = sampleClasses(labels, most);
        expect(sample.length).toBeLessThanOrEqual(Math.max(most, 2));
        expect(sample).toEqual(Int32Array.from(new Set(sample)).sort());
        const count = (of: Iterable<number>) => {
          const sizes = new Map<number, number>();
          for (const label of of) sizes.set(label, (sizes.get(label) ?? 0) + 1);
          return sizes;
        };
        const whole = count(labels);
        const taken = count(sample.map((row) => labels[row] ?? -1));
        const hasSeveral = [...whole.values()].some((size) => size > 1);
        if (hasSeveral)
          for (const [label, size] of taken) if ((whole.get(label) ?? 0) > 1) expect(size).toBeGreaterThan(1);
        expect(sampleClasses(labels, most)).toEqual(sample);
      }),
    );
  });

  it('of what a model knows has every class while there is room, and as many of each as fit', () => {
    fc.assert(
      fc.property(someLabels, fc.integer({ min: 1, max: 60 }), (of, most) => {
        const labels = Int32Array.from(of);
        const sample = sampleOfEach(labels, most);
        expect(sample).toEqual(Int32Array.from(new Set(sample)).sort());
        expect(sample.length).toBeLessThanOrEqual(most);
        const sizes = (rows: Iterable<number>) => {
          const found = new Map<number, number>();
          for (const row of rows) found.set(labels[row] ?? -1, (found.get(labels[row] ?? -1) ?? 0) + 1);
          return found;
        };
        const [whole, taken] = [sizes(labels.keys()), sizes(sample)];
        expect(taken.size).toBe(Math.min(whole.size, most));
        const largest = Math.max(...taken.values());
        for (const [label, size] of taken) expect(size).toBe(Math.min(whole.get(label) ?? 0, largest));
        if (sample.length < labels.length && whole.size <= most) {
          const more = [...whole.values()].reduce((sum, size) => sum + Math.min(size, largest + 1), 0);
          expect(more).toBeGreaterThan(most);
        }
      }),
    );
  });

  it('is a part of every class where there is room for two of each, and whole classes where there is not', () => {
    const classes = (count: number, size: number) =>
      Int32Array.from({ length: count * size }, (_, row) => Math.floor(row / size));
    const ten = classes(10, 1000);
    const sample = sampleClasses(ten, 2000);
    expect(sample).toHaveLength(2000);
    expect(new Set(sample.map((row) => ten[row] ?? 0)).size).toBe(10);
    const products = classes(2000, 2);
    const pairs = sampleClasses(products, 2000);
    expect(pairs).toHaveLength(2000);
    expect(new Set(pairs.map((row) => products[row] ?? 0)).size).toBe(1000);
  });

  it('of a perfect embedding has a recall and a MAP at R of 1, in whatever order the classes come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: 4, max: 30 }),
        fc.infiniteStream(fc.nat()),
        (sizes, most, order) => {
          const sorted = sizes.flatMap((size, label) => new Array<number>(size).fill(label));
          const keyed = sorted.map((label) => ({ label, key: order.next().value as number }));
          const labels = Int32Array.from(
            keyed.sort((a, b) => a.key - b.key),
            ({ label }) => label,
          );
          const sample = sampleClasses(labels, most);
          const own = sample.map((row) => labels[row] ?? 0);
          const found = retrieval(similaritiesOf(rows([...own], sizes.length)), own, [1]);
          expect(found).toEqual({
            queries: sample.length,
            recallAt: [{ k: 1, value: 1 }],
            rPrecision: 1,
            mapAtR: 1,
          });
        },
      ),
    );
  });
});
