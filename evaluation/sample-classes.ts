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
  const classes = [...rowsByClass(labels)].sort(([a], [b]) => a - b).map(([, rows]) => rows);
  const total = (of: readonly (readonly number[])[], each: number) =>
    of.reduce((sum, { length }) => sum + Math.min(length, each), 0);
  const take = (of: readonly (readonly number[])[], each: number) =>
    Int32Array.from(of.flatMap((rows) => Array.from(spreadRows(rows.length, each), (at) => rows[at] ?? 0))).sort();
  if (total(classes, 2) <= most) {
    let each = 2;
    while (total(classes, each + 1) <= most) each++;
    return take(classes, each);
  }
  const several = classes.filter(({ length }) => length > 1);
  if (several.length === 0) return spreadRows(labels.length, most);
  const spread = (count: number) => Array.from(spreadRows(several.length, count), (at) => several[at] ?? []);
  const each = Math.max(2, Math.min(largestClass, most));
  let chosen = Math.min(several.length, Math.max(1, most >> 1));
  while (chosen > 1 && total(spread(chosen), each) > most) chosen--;
  return take(spread(chosen), each);
}
