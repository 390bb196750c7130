import type { MeasureComparison } from '../contracts/comparison.ts';

/** All where they are at most `most`, else so many in which the arms differ most, the largest difference first. */
export const mostDifferent = (measures: readonly MeasureComparison[], most: number): readonly MeasureComparison[] =>
  measures.length <= most
    ? measures
    : measures.toSorted((a, b) => Math.abs(b.difference.mean) - Math.abs(a.difference.mean)).slice(0, most);
