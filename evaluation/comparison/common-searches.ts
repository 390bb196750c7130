import { type ArtifactRef, splitOf } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import type { SearchMetricName } from '../../contracts/models.ts';
import type { Report } from '../../contracts/report.ts';
import { retrievalAboutSchema, searchText } from '../../contracts/retrieval.ts';
import { describeDataset } from '../../datasets/index.ts';
import { readAbout, type Store, unlessDamaged } from '../../store/index.ts';
import { fewestImages, newRows } from './new-rows.ts';
import { keptAnswers } from './query-answers.ts';
import { pairsOn, searchDifference } from './search-difference.ts';

/** Two encoders by the same search, on the queries that neither has seen and that do not leak. */
export interface CommonSearch {
  /** What was searched for, and among what. */
  readonly title: string;
  readonly arms: readonly [string, string];
  /** Queries that both were compared on. */
  readonly queries: number;
  /** Why they are not compared: a sentence; null where they are. */
  readonly problem: string | null;
  /** The second of the arms is what the first is compared with. */
  readonly measures: readonly {
    readonly metric: SearchMetricName;
    readonly values: readonly [number, number];
    readonly interval: readonly [number, number];
  }[];
}

type Found = Report['retrieval'][number];
const metrics: readonly SearchMetricName[] = ['recallAt1', 'mapAtR'];

/**
 * Compares searches that two arms have both made, once each.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function commonSearches(store: Store, found: Report['retrieval']): Promise<readonly CommonSearch[]> {
  const groups = new Map<string, Found[]>();
  for (const each of found) {
    const { query, gallery, of } = each.retrieval;
    const key = JSON.stringify([query, gallery, of]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const compared: CommonSearch[] = [];
  for (const [a, b, ...others] of groups.values())
    if (a && b && others.length === 0 && a.arm !== b.arm) compared.push(await compareSearches(store, a, b));
  return compared;
}

async function compareSearches(store: Store, a: Found, b: Found): Promise<CommonSearch> {
  const search = { title: searchText(a.retrieval), arms: [a.arm, b.arm] as const };
  const not = (problem: string): CommonSearch => ({ ...search, queries: 0, measures: [], problem });
  if (a.artifact === undefined || b.artifact === undefined || a.dataset === undefined || a.dataset !== b.dataset)
    return not('They searched different data sets.');
  const refs = [a.artifact, b.artifact].map((digest): ArtifactRef => ({ kind: 'retrieval', digest }));
  const answers = [];
  const models = [];
  for (const [at, ref] of refs.entries()) {
    const name = search.arms[at] ?? '';
    const kept = await keptAnswers(store, ref);
    if (!kept)
      return not(
        `The search of ${name} keeps no single answers: it is of an earlier version, or an image was forgotten.`,
      );
    answers.push(kept);
    models.push({ name, encoder: (await readAbout(store, ref, retrievalAboutSchema)).encoder, classifier: null });
  }
  const dataset: ArtifactRef = { kind: 'dataset', digest: a.dataset };
  const about = await unlessDamaged(describeDataset(store, dataset), () => {});
  if (!about) return not('The data set is gone, so it is not known which of its images are new to both.');
  const { split } = a.retrieval.query;
  const { rows, unknown } = await newRows(store, dataset, splitOf(about, split).count, models, split);
  if (unknown[0] !== undefined) return not(unknown[0]);
  const [ofA, ofB] = answers;
  if (!ofA || !ofB) throw new Error('two searches were compared');
  const pairs = pairsOn(new Set(rows), ofA, ofB);
  if (pairs.length < fewestImages)
    return not(
      `Of ${times(ofA.rows.length, 'query', 'queries')} only ${pairs.length} ${pairs.length === 1 ? 'is new to both and does' : 'are new to both and do'} not leak; a comparison takes at least ${fewestImages}.`,
    );
  const measures = metrics.flatMap((metric) => {
    const difference = searchDifference(ofA, ofB, pairs, metric);
    if (!difference) return [];
    const { after, before, interval } = difference;
    return [{ metric, values: [after, before] as const, interval: [interval[0], interval[1]] as const }];
  });
  return measures.length === 0
    ? not('All queries are of one class, or too few to say anything of two models.')
    : { ...search, queries: pairs.length, problem: null, measures };
}
