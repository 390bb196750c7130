import type { SearchMetricName } from '../../contracts/models.ts';
import { bootstrapIntervals } from '../metrics/intervals.ts';
import { groupsOf } from '../metrics/query-groups.ts';
import { mean } from '../metrics/statistics.ts';
import type { ImageDifference } from './image-measures.ts';
import type { KeptAnswers } from './query-answers.ts';

/** The answer to one query in each of two lists, by its place. */
export interface AnswerPair {
  readonly after: number;
  readonly before: number;
}

/** The queries that both have answers to, of rows that are new, without those that either leaves out. */
export function pairsOn(isNew: ReadonlySet<number>, after: KeptAnswers, before: KeptAnswers): readonly AnswerPair[] {
  const placeOf = new Map(Array.from(before.rows, (row, place) => [row, place]));
  return Array.from(after.rows).flatMap((row, place) => {
    const other = placeOf.get(row);
    return other === undefined || !isNew.has(row) || after.leftOut[place] !== 0 || before.leftOut[other] !== 0
      ? []
      : [{ after: place, before: other }];
  });
}

/**
 * How two encoders differ on the same queries. The interval is a paired bootstrap over classes, or over queries where there are few
 * classes, which draws the same each time.
 *
 * @returns null where there are fewer than two queries or classes to draw from
 */
export function searchDifference(
  after: KeptAnswers,
  before: KeptAnswers,
  pairs: readonly AnswerPair[],
  metric: SearchMetricName,
): ImageDifference | null {
  const foundBy = ({ first, mapAtR }: KeptAnswers, place: number) =>
    metric === 'recallAt1' ? Number(first[place] === 1) : (mapAtR[place] as number);
  const ofAfter = pairs.map((pair) => foundBy(after, pair.after));
  const ofBefore = pairs.map((pair) => foundBy(before, pair.before));
  const differences = Float64Array.from(ofAfter, (value, at) => value - (ofBefore[at] as number));
  const labels = Int32Array.from(pairs, (pair) => after.labels[pair.after] as number);
  const { groups } = groupsOf(Int32Array.from(pairs.keys()), labels);
  const [interval] = bootstrapIntervals([differences], groups, 0);
  return interval ? { after: mean(ofAfter), before: mean(ofBefore), interval, more: null } : null;
}
