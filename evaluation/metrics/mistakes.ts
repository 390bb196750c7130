import type { Answers } from './classification.ts';

/** A wrong prediction: a row of the test split, and classes by number. */
export interface Mistake {
  readonly row: number;
  readonly label: number;
  readonly predicted: number;
  readonly confidence: number;
}

/** Every wrong prediction, the most confident first; of equals the lower row. */
export function mistakes({ predicted, confidence }: Omit<Answers, 'rank'>, labels: Int32Array): Mistake[] {
  const found: Mistake[] = [];
  predicted.forEach((label, row) => {
    const truth = labels[row] ?? 0;
    if (label !== truth) found.push({ row, label: truth, predicted: label, confidence: confidence[row] ?? 0 });
  });
  return found.sort((x, y) => y.confidence - x.confidence || x.row - y.row);
}

/** Of mistakes, those between two classes, either way. */
export const between = (found: readonly Mistake[], a: number, b: number): Mistake[] =>
  found.filter(({ label, predicted }) => (label === a && predicted === b) || (label === b && predicted === a));
