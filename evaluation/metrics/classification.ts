import { type ConfusedPair, type Confusion, confusedPairs, sumOfCells } from '../../contracts/confusion.ts';

/**
 * Metrics of a classifier, with scikit-learn's meaning. What is a mean over nothing, which scikit-learn warns of and calls 0,
 * is null. Nothing here takes more work than images times classes, or keeps more than the images.
 */

/** Scores [count, classes], row-major: probabilities or anything that orders the classes. */
export interface Scores {
  readonly values: Float32Array | Float64Array;
  readonly count: number;
  readonly classes: number;
}

/** What a classifier says of each image. */
export interface Answers {
  /** The class with the highest score; the lowest class wins a tie. */
  readonly predicted: Int32Array;
  /** The score of that class. */
  readonly confidence: Float64Array;
  /** How many classes stand before the true one: score higher, or equal with a lower number. */
  readonly rank: Int32Array;
}

/** Precision, recall and F1 of one class, null where there is nothing to divide by; and how many images it has. */
export interface ClassMetrics {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly support: number;
}

export function answersOf({ values, count, classes }: Scores, labels: Int32Array): Answers {
  const predicted = new Int32Array(count);
  const confidence = new Float64Array(count);
  const rank = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const [start, truth] = [row * classes, labels[row] ?? 0];
    const own = values[start + truth] ?? 0;
    let [best, ahead] = [0, 0];
    for (let label = 0; label < classes; label++) {
      const score = values[start + label] ?? 0;
      if (score > (values[start + best] ?? 0)) best = label;
      if (score > own || (score === own && label < truth)) ahead++;
    }
    predicted[row] = best;
    confidence[row] = values[start + best] ?? 0;
    rank[row] = ahead;
  }
  return { predicted, confidence, rank };
}

/** Share of rows whose true class is among the k highest; null for no rows. */
export const topKAccuracy = ({ rank }: Pick<Answers, 'rank'>, k: number): number | null =>
  ratio(
    rank.reduce((hits, ahead) => hits + Number(ahead < k), 0),
    rank.length,
  );

/** Share of rows whose class is the predicted one; null for no rows. */
export const accuracyOf = (predicted: Int32Array, labels: Int32Array): number | null =>
  ratio(
    predicted.reduce((hits, label, row) => hits + Number(label === labels[row]), 0),
    predicted.length,
  );

/** How often each class was taken for each. */
export const confusionMatrix = (labels: Int32Array, predicted: Int32Array, classes: number): Confusion =>
  sumOfCells(
    classes,
    Array.from(labels, (truth, row) => [truth, predicted[row] ?? 0, 1]),
  );

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Counts images by class. `add` is told of images of one class that were taken for one. */
export function countByClass(count: number): {
  readonly add: (label: number, predicted: number, images: number) => void;
  readonly metrics: () => ClassMetrics[];
} {
  const classes = Array.from({ length: count }, () => ({ hits: 0, support: 0, predicted: 0 }));
  return {
    add: (label, predicted, images) => {
      const [truth, taken] = [classes[label], classes[predicted]];
      if (truth) truth.support += images;
      if (taken) taken.predicted += images;
      if (truth && label === predicted) truth.hits += images;
    },
    metrics: () =>
      classes.map(({ hits, support, predicted }) => ({
        precision: ratio(hits, predicted),
        recall: ratio(hits, support),
        f1: ratio(2 * hits, support + predicted),
        support,
      })),
  };
}

export function perClassMetrics({ classes, cells }: Confusion): ClassMetrics[] {
  const { add, metrics } = countByClass(classes);
  for (const [label, predicted, images] of cells) add(label, predicted, images);
  return metrics();
}

/** The mean F1 of the classes that occur as truth or as prediction; null where none does. */
export function macroF1(classes: readonly ClassMetrics[]): number | null {
  const measured = classes.flatMap(({ f1 }) => f1 ?? []);
  return ratio(
    measured.reduce((sum, f1) => sum + f1, 0),
    measured.length,
  );
}

/** The pairs of classes that are taken for each other most, both ways counted together. */
export const mostConfused = (confusion: Confusion, limit: number): ConfusedPair[] =>
  confusedPairs(confusion).slice(0, limit);
