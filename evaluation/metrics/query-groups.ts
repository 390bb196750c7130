import type { Retrieval } from '../../contracts/retrieval.ts';

/** With fewer classes an interval from whole classes says little, and single queries are drawn. */
const leastClasses = 20;

/** Of each query the number of what is drawn with it: its class, or itself where there are few classes. */
export function groupsOf(
  queries: Int32Array,
  labels: Int32Array,
): { readonly groups: Int32Array; readonly classes: number; readonly resampled: Retrieval['resampled'] } {
  const classOf = queries.map((row) => labels[row] as number);
  const groupOf = new Map([...new Set(classOf)].map((label, group) => [label, group]));
  const resampled = groupOf.size < leastClasses ? 'queries' : 'classes';
  const groups =
    resampled === 'queries' ? queries.map((_, query) => query) : classOf.map((label) => groupOf.get(label) ?? 0);
  return { groups, classes: groupOf.size, resampled };
}
