import type { Estimate, Retrieval } from '../contracts/retrieval.ts';
import { rowsByClass } from '../datasets/index.ts';
import { answersOf, type QueryAnswers } from './gallery.ts';
import { bootstrapIntervals } from './metrics/intervals.ts';
import { groupsOf } from './metrics/query-groups.ts';
import { mean } from './metrics/statistics.ts';

const worstClasses = 100;
const mostCategories = 100;

interface Drawn {
  /** Of each row that is searched for. */
  readonly labels: Int32Array;
  readonly seed: number;
}

/**
 * Means over queries with their intervals.
 *
 * @param names of the classes
 * @param ks ascending, 1 the first
 */
export function measureAnswers(
  answers: QueryAnswers,
  { labels, seed, ks, names }: Drawn & { readonly ks: readonly number[]; readonly names: readonly string[] },
) {
  const { queries, first, rPrecision, mapAtR, ndcg } = answers;
  const hits = ks.map((k) => Float64Array.from(first, (rank) => Number(rank <= k)));
  const { estimates, classes, resampled } = estimatesOf([...hits, rPrecision, mapAtR, ndcg], queries, { labels, seed });
  const [ofRPrecision, ofMapAtR, ofNdcg] = estimates.slice(ks.length) as [Estimate, Estimate, Estimate];
  return {
    queries: queries.length,
    classes,
    seed,
    resampled,
    recallAt: ks.map((k, which) => ({ k, ...(estimates[which] as Estimate) })),
    rPrecision: ofRPrecision,
    mapAtR: ofMapAtR,
    ndcg: ofNdcg,
    worst: worstOf(answers, labels, names),
  } satisfies Partial<Retrieval>;
}

/** @param categories of each row that is searched for, where it has one */
export function measureCategories(
  answers: QueryAnswers,
  categories: readonly (string | undefined)[],
  drawn: Drawn,
): Retrieval['categories'] {
  const names = new Set(Array.from(answers.queries, (row) => categories[row]).filter((name) => name !== undefined));
  return [...names]
    .map((name) => {
      const own = answersOf(answers, (row) => categories[row] === name);
      const hits = firstHits(own.first);
      return { name, own, hits, found: mean(hits) };
    })
    .sort((a, b) => a.found - b.found || (a.name < b.name ? -1 : 1))
    .slice(0, mostCategories)
    .map(({ name, own: { queries, mapAtR }, hits }) => {
      const { estimates } = estimatesOf([hits, mapAtR], queries, drawn);
      const [recallAt1, ofMapAtR] = estimates as [Estimate, Estimate];
      return { name, queries: queries.length, recallAt1, mapAtR: ofMapAtR };
    });
}

/** Whether the nearest image is of the query's class, 0 or 1. */
export const firstHits = (first: Int32Array): Float64Array => Float64Array.from(first, (rank) => Number(rank === 1));

function estimatesOf(values: readonly Float64Array[], queries: Int32Array, { labels, seed }: Drawn) {
  const { groups, classes, resampled } = groupsOf(queries, labels);
  const intervals = bootstrapIntervals(values, groups, seed);
  const estimates = values.map(
    (each, which): Estimate => ({ value: meanOf(each), interval: intervals[which] ?? null }),
  );
  return { estimates, classes, resampled };
}

function worstOf(
  { queries, first, mapAtR }: QueryAnswers,
  labels: Int32Array,
  names: readonly string[],
): Retrieval['worst'] {
  const hits = firstHits(first);
  return [...rowsByClass(queries.map((row) => labels[row] as number))]
    .map(([label, rows]) => ({
      name: names[label] ?? '',
      queries: rows.length,
      recallAt1: mean(rows.map((row) => hits[row] as number)),
      mapAtR: mean(rows.map((row) => mapAtR[row] as number)),
    }))
    .sort((a, b) => a.recallAt1 - b.recallAt1 || a.mapAtR - b.mapAtR || (a.name < b.name ? -1 : 1))
    .slice(0, worstClasses);
}

/** A mean; of nothing null. */
export const meanOf = (values: ArrayLike<number>): number | null => (values.length === 0 ? null : mean(values));
