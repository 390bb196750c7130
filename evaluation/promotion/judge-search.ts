import { type ArtifactRef, splitOf } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import { canonicalJson } from '../../contracts/json.ts';
import type { Candidate, Judgement, ModelVersion, SearchMetricName } from '../../contracts/models.ts';
import { type Retrieval, retrievalAboutSchema, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { describeDataset } from '../../datasets/index.ts';
import { readAbout, readArtifactJson, type Store } from '../../store/index.ts';
import { newRows } from '../comparison/new-rows.ts';
import { type KeptAnswers, keptAnswers } from '../comparison/query-answers.ts';
import { pairsOn, searchDifference } from '../comparison/search-difference.ts';
import { alreadyCurrent, decide, type Terms, undecided } from './judge.ts';

export interface SearchTerms extends Omit<Terms, 'metric' | 'measureAgain'> {
  readonly metric: SearchMetricName;
  /** Searches with the current encoder as the candidate was searched with, or says why not: a sentence. */
  readonly measureAgain: (
    current: ModelVersion,
    search: Pick<Retrieval, 'query' | 'gallery'>,
  ) => Promise<ArtifactRef | string>;
}

/**
 * Compares a candidate with the current model of a name by what a search finds, on the candidate's queries that neither encoder has
 * seen in training or validation and that do not leak.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function judgeSearch(
  store: Store,
  candidate: Candidate,
  current: ModelVersion,
  { metric, minimumImages, unknownOverlap, measureAgain, margin }: SearchTerms,
): Promise<Judgement> {
  const name = `version ${current.version}`;
  if (current.evaluation.digest === candidate.evaluation.digest) return alreadyCurrent(candidate, name, metric);
  const own = candidate.metrics[metric] ?? null;
  if (own === null) return undecided(`${metric} was not measured of the new model`);
  const { dataset } = await readAbout(store, candidate.evaluation, retrievalAboutSchema);
  const search = await readArtifactJson(store, candidate.evaluation, retrievalFile, retrievalSchema);
  const { split } = search.query;
  const models = [
    { name: 'the new model', ...candidate },
    { name, ...current },
  ];
  const { count } = splitOf(await describeDataset(store, dataset), split);
  const { rows, seen, unknown } = await newRows(store, dataset, count, models, split);
  if (unknown.length > 0 && !unknownOverlap)
    return undecided(`${unknown.join(' ')} \`unknownOverlap: true\` compares them all the same`, own);
  const same = await answersOfSameSearch(store, current, { dataset, search });
  const again = same ? null : await measureAgain(current, search);
  if (typeof again === 'string') return { ...undecided(again, own), seen };
  const after = await keptAnswers(store, candidate.evaluation);
  const before = again ? await keptAnswers(store, again) : same;
  if (!after || !before)
    return undecided(
      'a retrieval keeps no single answers: it is of an earlier version of Contrail, or an image was forgotten; measure it again',
      own,
    );
  const pairs = pairsOn(new Set(rows), after, before);
  if (pairs.length === 0 || (pairs.length < after.rows.length && pairs.length < minimumImages))
    return {
      ...undecided(
        `only ${pairs.length} of ${times(after.rows.length, 'query', 'queries')} ${pairs.length === 1 ? 'is new to both and does' : 'are new to both and do'} not leak; at least ${minimumImages} are needed (\`minimumImages\`)`,
        own,
      ),
      seen,
    };
  const difference = searchDifference(after, before, pairs, metric);
  if (!difference) return { ...undecided('a single query says nothing of two models', own), seen };
  return decide(difference, { metric, margin }, { name, images: pairs.length, seen, unknown: unknown.length > 0 });
}

/** The answers that the current model came with, where it was measured by the same search and keeps them. */
async function answersOfSameSearch(
  store: Store,
  { evaluation }: ModelVersion,
  { dataset, search }: { readonly dataset: ArtifactRef; readonly search: Retrieval },
): Promise<KeptAnswers | null> {
  if (evaluation.kind !== 'retrieval') return null;
  const about = await readAbout(store, evaluation, retrievalAboutSchema);
  if (about.dataset.digest !== dataset.digest) return null;
  const { query, gallery } = await readArtifactJson(store, evaluation, retrievalFile, retrievalSchema);
  const isSame = canonicalJson([query, gallery]) === canonicalJson([search.query, search.gallery]);
  return isSame ? keptAnswers(store, evaluation) : null;
}
