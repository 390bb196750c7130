/**
 * Metrics of a classifier, with scikit-learn's meaning: rows of the confusion matrix are true classes, and a ratio with a
 * zero denominator is 0.
 */

/** Scores [count, classes], row-major: probabilities or anything that orders the classes. */
export interface Scores {
  readonly values: Float32Array | Float64Array;
  readonly count: number;
  readonly classes: number;
}

/** Precision, recall and F1 of one class, and how many images it has. */
export interface ClassMetrics {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** The class with the highest score of each row; the lowest class wins a tie. */
export function predictions({ values, count, classes }: Scores): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => {
    let best = 0;
    for (let label = 1; label < classes; label++)
      if ((values[row * classes + label] ?? 0) > (values[row * classes + best] ?? 0)) best = label;
    return best;
  });
}

/** Share of rows whose true class is among the k highest: fewer than k classes score higher, or equal with a lower number. */
export function topKAccuracy({ values, count, classes }: Scores, labels: Int32Array, k: number): number {
  let hits = 0;
  for (let row = 0; row < count; row++) {
    const truth = labels[row] ?? 0;
    const own = values[row * classes + truth] ?? 0;
    let ahead = 0;
    for (let label = 0; label < classes; label++) {
      const score = values[row * classes + label] ?? 0;
      if (score > own || (score === own && label < truth)) ahead++;
    }
    if (ahead < k) hits++;
  }
  return hits / Math.max(1, count);
}

/** Counts [true class][predicted class]. */
export function confusionMatrix(labels: Int32Array, predicted: Int32Array, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((truth, index) => {
    const row = matrix[truth];
    const column = predicted[index] ?? 0;
    if (row) row[column] = (row[column] ?? 0) + 1;
  });
  return matrix;
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

export function perClassMetrics(confusion: readonly (readonly number[])[]): ClassMetrics[] {
  return confusion.map((row, label) => {
    const hits = row[label] ?? 0;
    const support = row.reduce((a, b) => a + b, 0);
    const predicted = confusion.reduce((sum, each) => sum + (each[label] ?? 0), 0);
    return {
      precision: ratio(hits, predicted),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, support + predicted),
      support,
    };
  });
}

export const macroF1 = (classes: readonly ClassMetrics[]): number =>
  ratio(
    classes.reduce((sum, { f1 }) => sum + f1, 0),
    classes.length,
  );

/** The pairs of classes that are taken for each other most, both ways counted together. */
export function mostConfused(
  confusion: readonly (readonly number[])[],
  limit: number,
): { a: number; b: number; count: number }[] {
  const pairs = confusion.flatMap((row, a) =>
    row
      .slice(a + 1)
      .map((count, offset) => ({ a, b: a + 1 + offset, count: count + (confusion[a + 1 + offset]?.[a] ?? 0) })),
  );
  return pairs
    .filter(({ count }) => count > 0)
    .sort((x, y) => y.count - x.count || x.a - y.a || x.b - y.b)
    .slice(0, limit);
}
