import { z } from 'zod';

const count = z.int().nonnegative();
const cellsSchema = z.strictObject({
  classes: count,
  /** [true class, predicted class, images], without those of 0 images, by true class and then by prediction. */
  cells: z.array(z.tuple([count, count, count])),
});

/**
 * How often each class was taken for each: only what occurred, so that it grows with the images, not with the square of the
 * classes. Evaluations of earlier versions hold a whole matrix, rows true classes, which is read as its cells.
 */
export const confusionSchema = z.union([
  cellsSchema,
  z.array(z.array(count)).transform((matrix) => confusionOf(matrix)),
]);
export type Confusion = z.infer<typeof cellsSchema>;

/** Of a matrix whose rows are true classes. */
export const confusionOf = (matrix: readonly (readonly number[])[]): Confusion => ({
  classes: matrix.length,
  cells: matrix.flatMap((row, label) =>
    row.flatMap((images, predicted): Confusion['cells'] => (images > 0 ? [[label, predicted, images]] : [])),
  ),
});

/** Of cells in any order, of which several may be the same. */
export function sumOfCells(classes: number, cells: Iterable<Confusion['cells'][number]>): Confusion {
  const sums = new Map<number, number>();
  for (const [label, predicted, images] of cells) {
    const key = label * classes + predicted;
    sums.set(key, (sums.get(key) ?? 0) + images);
  }
  return {
    classes,
    cells: [...sums]
      .sort(([a], [b]) => a - b)
      .map(([key, images]) => [Math.floor(key / classes), key % classes, images]),
  };
}

/** Several over the same classes, added up. */
export const addConfusions = (confusions: readonly Confusion[], classes: number): Confusion =>
  sumOfCells(
    classes,
    confusions.flatMap(({ cells }) => cells),
  );

/** Two classes that were taken for each other, both ways counted together. */
export interface ConfusedPair {
  readonly a: number;
  readonly b: number;
  readonly count: number;
}

/** Every pair of classes that were taken for each other, the most confused first; of equals the lower classes. */
export function confusedPairs({ classes, cells }: Confusion): ConfusedPair[] {
  const counts = new Map<number, number>();
  for (const [label, predicted, images] of cells) {
    if (label === predicted) continue;
    const key = Math.min(label, predicted) * classes + Math.max(label, predicted);
    counts.set(key, (counts.get(key) ?? 0) + images);
  }
  return [...counts]
    .sort(([a, most], [b, other]) => other - most || a - b)
    .map(([key, images]) => ({ a: Math.floor(key / classes), b: key % classes, count: images }));
}

/** A part of a confusion that a person can look at. */
export interface ShownConfusion {
  /** The classes that are shown, by number. */
  readonly shown: readonly number[];
  /** Images among them: rows true classes, columns predictions. */
  readonly counts: readonly (readonly number[])[];
  /** Of each row all images of the class, whatever they were taken for. */
  readonly totals: readonly number[];
}

/**
 * The whole matrix where there are at most `whole` classes, else that of the `part` classes which were taken for each other
 * most. Where none was, the first that have images.
 */
export function shownConfusion(confusion: Confusion, whole: number, part: number): ShownConfusion {
  const { classes, cells } = confusion;
  const chosen = new Set<number>();
  if (classes <= whole) for (let label = 0; label < classes; label++) chosen.add(label);
  else {
    for (const { a, b } of confusedPairs(confusion)) {
      if (chosen.size + Number(!chosen.has(a)) + Number(!chosen.has(b)) > part) break;
      chosen.add(a).add(b);
    }
    if (chosen.size === 0) for (const [label] of cells) if (chosen.size < part) chosen.add(label);
  }
  const shown = [...chosen].sort((a, b) => a - b);
  const placeOf = new Map(shown.map((label, at) => [label, at]));
  const counts = shown.map(() => new Array<number>(shown.length).fill(0));
  const totals = new Array<number>(shown.length).fill(0);
  for (const [label, predicted, images] of cells) {
    const [row, column] = [placeOf.get(label), placeOf.get(predicted)];
    if (row === undefined) continue;
    totals[row] = (totals[row] ?? 0) + images;
    const own = counts[row];
    if (own && column !== undefined) own[column] = (own[column] ?? 0) + images;
  }
  return { shown, counts, totals };
}
