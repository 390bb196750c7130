import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { confusionOf } from '../../contracts/confusion.ts';
import { shrunkCovariance } from '../../evaluation/detectors/covariance.ts';
import { fitMahalanobis } from '../../evaluation/detectors/mahalanobis.ts';
import { nearestNeighbourScores } from '../../evaluation/detectors/nearest-neighbours.ts';
import { unitLength } from '../../evaluation/embedding.ts';
import { reliability } from '../../evaluation/metrics/calibration.ts';
import {
  answersOf,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  topKAccuracy,
} from '../../evaluation/metrics/classification.ts';
import { areaUnder, rocCurve } from '../../evaluation/metrics/detection.ts';
import { silhouette } from '../../evaluation/metrics/geometry.ts';
import { similaritiesOf } from './similarities.ts';

/** What scikit-learn says of the same numbers; test/golden/make_evaluation.py asked it. */
const numbers = z.array(z.number());
const matrix = z.array(numbers);
const golden = z
  .object({
    classifier: z.object({
      labels: numbers,
      probabilities: matrix,
      confusion: matrix,
      precision: numbers,
      recall: numbers,
      f1: numbers,
      macro_f1: z.number(),
      top2: z.number(),
      reliability: z.object({ accuracy: numbers, confidence: numbers }),
    }),
    detection: z.object({
      known: numbers,
      foreign: numbers,
      auroc: z.number(),
      false_positives: numbers,
      true_positives: numbers,
    }),
    embedding: z.object({
      train: matrix,
      labels: numbers,
      queries: matrix,
      fifth_nearest: numbers,
      shrinkage: z.number(),
      covariance: matrix,
      mahalanobis: numbers,
      silhouette_cosine: z.number(),
      silhouette_euclidean: z.number(),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/evaluation.json', import.meta.url), 'utf8')));

const near = (found: ArrayLike<number>, expected: readonly number[], digits: number) => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, digits);
  });
};

describe('scikit-learn agrees on a classifier', () => {
  const { classifier } = golden;
  const labels = Int32Array.from(classifier.labels);
  const classes = 4;
  const scores = { values: Float64Array.from(classifier.probabilities.flat()), count: labels.length, classes };
  const answers = answersOf(scores, labels);
  const confusion = confusionMatrix(labels, answers.predicted, classes);

  it('confusion, precision, recall and F1', () => {
    const perClass = perClassMetrics(confusion);
    expect(confusion).toEqual(confusionOf(classifier.confusion));
    for (const name of ['precision', 'recall', 'f1'] as const)
      near(
        perClass.map((each) => each[name] ?? 0),
        classifier[name],
        12,
      );
    expect(macroF1(perClass)).toBeCloseTo(classifier.macro_f1, 12);
  });

  it('accuracy among the two most probable', () => expect(topKAccuracy(answers, 2)).toBeCloseTo(classifier.top2, 12));

  it('the reliability diagram', () => {
    const filled = reliability(answers, labels).filter(({ images }) => images > 0);
    near(
      filled.map(({ accuracy }) => accuracy ?? Number.NaN),
      classifier.reliability.accuracy,
      12,
    );
    near(
      filled.map(({ confidence }) => confidence ?? Number.NaN),
      classifier.reliability.confidence,
      12,
    );
  });
});

describe('scikit-learn agrees on detection', () => {
  const { known, foreign, auroc, false_positives, true_positives } = golden.detection;
  const curve = rocCurve(known, foreign);
  it('the area under the curve, with ties', () => expect(areaUnder(curve)).toBeCloseTo(auroc, 12));
  it('every point of the curve', () => {
    near(
      curve.map((point) => point.falsePositives),
      false_positives,
      12,
    );
    near(
      curve.map((point) => point.truePositives),
      true_positives,
      12,
    );
  });
});

describe('scikit-learn agrees on an embedding', () => {
  const { embedding } = golden;
  const dimension = 6;
  const labels = Int32Array.from(embedding.labels);
  const rows = (of: readonly (readonly number[])[]) =>
    unitLength({ values: Float32Array.from(of.flat()), count: of.length, dimension });

  it('silhouette', () => {
    const similarities = similaritiesOf(embedding.train);
    expect(silhouette(similarities, labels, 'cosine')).toBeCloseTo(embedding.silhouette_cosine, 10);
    expect(silhouette(similarities, labels, 'euclidean')).toBeCloseTo(embedding.silhouette_euclidean, 10);
  });

  it('the distance to the fifth neighbour', async () => {
    const [scores] = await nearestNeighbourScores(rows(embedding.train), [rows(embedding.queries)], 5, () => {});
    near(
      (scores ?? new Float64Array()).map((score) => -score),
      embedding.fifth_nearest,
      5,
    );
  });

  it('the covariance of Ledoit and Wolf', () => {
    const unit = rows(embedding.train).values;
    const means = [0, 1, 2].map((label) => {
      const own = [...labels.keys()].filter((row) => labels[row] === label);
      return Array.from({ length: dimension }, (_, at) =>
        own.reduce((sum, row) => sum + (unit[row * dimension + at] ?? 0) / own.length, 0),
      );
    });
    const centred = Array.from(labels, (label, row) =>
      Array.from({ length: dimension }, (_, at) => (unit[row * dimension + at] ?? 0) - (means[label]?.[at] ?? 0)),
    );
    const sample = Float64Array.from({ length: dimension ** 2 }, (_, at) => {
      const [i, j] = [Math.floor(at / dimension), at % dimension];
      return centred.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0) / centred.length;
    });
    const fourth =
      centred.reduce((sum, row) => sum + row.reduce((squared, value) => squared + value ** 2, 0) ** 2, 0) /
      centred.length;
    const found = shrunkCovariance({ values: sample, size: dimension }, fourth, centred.length);
    expect(found.shrinkage).toBeCloseTo(embedding.shrinkage, 6);
    near(found.covariance.values, embedding.covariance.flat(), 7);
  });

  it('the Mahalanobis distance to the nearest class', () => {
    const scores = fitMahalanobis({ ...rows(embedding.train), labels })(rows(embedding.queries));
    embedding.mahalanobis.forEach((distance, row) => {
      expect(Math.abs(-(scores[row] ?? 0) / distance - 1)).toBeLessThan(1e-4);
    });
  });

  it('a direction without any spread, and few images, are no obstacle', () => {
    const values = Float32Array.from({ length: 4 * dimension }, (_, at) => (at % dimension === 0 ? 1 : 0));
    const scores = fitMahalanobis({ values, count: 4, dimension, labels: Int32Array.from([0, 0, 1, 1]) })({
      values,
      count: 4,
      dimension,
    });
    for (const score of scores) expect(score).toBeCloseTo(0, 6);
  });
});
