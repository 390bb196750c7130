import { rowsByClass, spreadRows } from '../datasets/index.ts';

/** Of one class, where whole classes are taken. */
const largestClass = 100;

/**
 * Rows of a split on which pairs of images are compared, in order: all of them where they are at most `most`. Else as many
 * of each class, spread evenly over its rows, if that leaves each class two; else whole classes, spread evenly over those that
 * have two. So an image that is not alone in its class is not alone in the sample either.
 */
export function sampleClasses(labels: Int32Array, most: number): Int32Array {
  if (labels.length <= most) return Int32Array.from(labels, (_, row) => row);
  const classes = classesOf(labels);
  if (total(classes, 2) <= most) return take(classes, largestEach(classes, most));
  const several = classes.filter(({ length }) => length > 1);
  if (several.length === 0) return spreadRows(labels.length, most);
  const spread = (count: number) => Array.from(spreadRows(several.length, count), (at) => several[at] ?? []);
  const each = Math.max(2, Math.min(largestClass, most));
  let chosen = Math.min(several.length, Math.max(1, most >> 1));
  while (chosen > 1 && total(spread(chosen), each) > most) chosen--;
  return take(spread(chosen), each);
}

/**
 * Rows of a split that stand for all of its classes, in order: all of them where they are at most `most`. Else as many of each class, spread
 * evenly over its rows; of more classes than `most`, one of each of so many.
 */
export function sampleOfEach(labels: Int32Array, most: number): Int32Array {
  if (labels.length <= most) return Int32Array.from(labels, (_, row) => row);
  const classes = classesOf(labels);
  if (classes.length <= most) return take(classes, largestEach(classes, most));
  return Int32Array.from(spreadRows(classes.length, most), (at) => classes[at]?.[0] ?? 0).sort();
}

type Rows = readonly number[];

/** The rows of each class, the classes in order. */
const classesOf = (labels: Int32Array): readonly Rows[] =>
  [...rowsByClass(labels)].sort(([a], [b]) => a - b).map(([, rows]) => rows);

const total = (of: readonly Rows[], each: number): number =>
  of.reduce((sum, { length }) => sum + Math.min(length, each), 0);

/** How many of each class can be taken so that they are at most so many together; at least one. */
function largestEach(classes: readonly Rows[], most: number): number {
  let [fits, tooMany] = [1, most + 1];
  while (tooMany - fits > 1) {
    const each = (fits + tooMany) >> 1;
    if (total(classes, each) <= most) fits = each;
    else tooMany = each;
  }
  return fits;
}

const take = (of: readonly Rows[], each: number): Int32Array =>
  Int32Array.from(of.flatMap((rows) => Array.from(spreadRows(rows.length, each), (at) => rows[at] ?? 0))).sort();
