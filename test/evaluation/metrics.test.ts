import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { confusionOf } from '../../contracts/confusion.ts';
import { expectedCalibrationError, reliability } from '../../evaluation/metrics/calibration.ts';
import {
  answersOf,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  topKAccuracy,
} from '../../evaluation/metrics/classification.ts';
import { areaUnder, rocCurve } from '../../evaluation/metrics/detection.ts';
import { pairMeasures, silhouette } from '../../evaluation/metrics/geometry.ts';
import { retrieval } from '../../evaluation/metrics/retrieval.ts';
import { similaritiesOf } from './similarities.ts';

const matrix = z.array(z.array(z.number()));
const golden = z
  .object({
    embeddings: matrix,
    labels: z.array(z.int()),
    alignment_alpha2_same_class_pairs: z.number(),
    uniformity_t2: z.number(),
    mean_intra: z.number(),
    mean_inter: z.number(),
    silhouette_cosine: z.number(),
    silhouette_euclid: z.number(),
    map_at_r: z.number(),
    recall_at_k: z.record(z.string(), z.number()),
    probs: matrix,
    y_true: z.array(z.int()),
    ece15: z.number(),
    top1: z.number(),
    macro_f1: z.number(),
    per_class_f1: z.array(z.number()),
    confusion_rows_true: matrix,
    ood_score_in: z.array(z.number()),
    ood_score_out: z.array(z.number()),
    auroc: z.number(),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8')));

const scores = { values: Float64Array.from(golden.probs.flat()), count: golden.probs.length, classes: 3 };
const truth = Int32Array.from(golden.y_true);
const similarities = similaritiesOf(golden.embeddings);
const labels = Int32Array.from(golden.labels);

describe('metrics of a classifier agree with the reference', () => {
  const answers = answersOf(scores, truth);
  const confusion = confusionMatrix(truth, answers.predicted, 3);
  it('top-1 accuracy', () => expect(topKAccuracy(answers, 1)).toBe(golden.top1));
  it('confusion matrix, rows true', () => expect(confusion).toEqual(confusionOf(golden.confusion_rows_true)));
  it('F1 of each class, and their mean', () => {
    const perClass = perClassMetrics(confusion);
    for (const [index, value] of golden.per_class_f1.entries()) expect(perClass[index]?.f1).toBeCloseTo(value, 12);
    expect(macroF1(perClass)).toBeCloseTo(golden.macro_f1, 12);
  });
  it('expected calibration error over 15 bins', () =>
    expect(expectedCalibrationError(reliability(answers, truth))).toBeCloseTo(golden.ece15, 12));
  it('area under the ROC curve, with ties', () =>
    expect(areaUnder(rocCurve(golden.ood_score_in, golden.ood_score_out))).toBeCloseTo(golden.auroc, 12));
  it('every class is among the top 3 of 3', () => expect(topKAccuracy(answers, 3)).toBe(1));
  it('a class that is never predicted has an F1 of 0, and no precision', () => {
    expect(
      perClassMetrics(
        confusionOf([
          [0, 2],
          [0, 3],
        ]),
      )[0],
    ).toEqual({ precision: null, recall: 0, f1: 0, support: 2 });
  });
});

describe('metrics of an embedding agree with the reference', () => {
  const pairs = pairMeasures(similarities, labels);
  it('alignment', () => expect(pairs.alignment).toBeCloseTo(golden.alignment_alpha2_same_class_pairs, 10));
  it('uniformity', () => expect(pairs.uniformity).toBeCloseTo(golden.uniformity_t2, 10));
  it('distances within and between classes', () => {
    expect(pairs.intra).toBeCloseTo(golden.mean_intra, 10);
    expect(pairs.inter).toBeCloseTo(golden.mean_inter, 10);
  });
  it('silhouette', () => {
    expect(silhouette(similarities, labels, 'cosine')).toBeCloseTo(golden.silhouette_cosine, 10);
    expect(silhouette(similarities, labels, 'euclidean')).toBeCloseTo(golden.silhouette_euclid, 10);
  });
  it('recall at k and MAP at R', () => {
    const { recallAt, mapAtR } = retrieval(similarities, labels, [1, 2, 4]);
    for (const { k, value } of recallAt) expect(value).toBeCloseTo(golden.recall_at_k[k] ?? Number.NaN, 10);
    expect(mapAtR).toBeCloseTo(golden.map_at_r, 10);
  });
});
