/** How many of the labels are those of each class. */
export function countPerClass(labels: ArrayLike<number>, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of Array.from(labels)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}
