/** The rows of each class that occurs, in their order; classes in the order in which they first occur. @param rows all of them where absent */
export function rowsByClass(
  labels: ArrayLike<number>,
  rows: Iterable<number> = Array(labels.length).keys(),
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (const row of rows) {
    const label = labels[row] ?? 0;
    const own = found.get(label);
    if (own) own.push(row);
    else found.set(label, [row]);
  }
  return found;
}
