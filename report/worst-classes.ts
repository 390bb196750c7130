/**
 * The classes that a table shows, by number: all where they are at most `most`, else so many with the lowest values, the
 * lowest first. Those that were not measured come last.
 */
export function worstClasses(values: readonly (number | null)[], most: number): number[] {
  const labels = values.map((_, label) => label);
  if (labels.length <= most) return labels;
  const of = (label: number) => values[label] ?? Number.POSITIVE_INFINITY;
  return labels.sort((a, b) => (of(a) === of(b) ? a - b : of(a) - of(b))).slice(0, most);
}
