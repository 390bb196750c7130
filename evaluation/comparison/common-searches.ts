import { type ArtifactRef, splitOf } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import type { SearchMetricName } from '../../contracts/models.ts';
import type { Report } from '../../contracts/report.ts';
import { retrievalAboutSchema, searchText } from '../../contracts/retrieval.ts';
import { someOf } from '../../contracts/some-of.ts';
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
  /** Of an arm with several runs, the run of each; empty where there is one. */
  readonly variants: readonly [string, string];
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

export interface CommonSearches {
  readonly compared: readonly CommonSearch[];
  /** Sentences. */
  readonly notCompared: readonly string[];
}

type Found = Report['retrieval'][number];
/** A search, and the run that made it. */
export type RunSearch = Found & { readonly run: string };
const metrics: readonly SearchMetricName[] = ['recallAt1', 'mapAtR'];

/**
 * Compares the searches that two runs have both made. Where a run made one several times, by several encoders or seeds, those of steps of
 * one name are compared.
 *
 * @returns what was compared, and a sentence on each search that was not
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function commonSearches(store: Store, found: readonly RunSearch[]): Promise<CommonSearches> {
  const runs = new Set(found.map(({ run }) => run));
  const compared: CommonSearch[] = [];
  const notCompared: string[] = [];
  for (const group of groupsOf(found)) {
    const { pairs, alone, why } = pairsIn(group, runs.size);
    for (const [a, b] of pairs.slice(0, mostPairs)) compared.push(await compareSearches(store, a, b));
    const rest = [...alone, ...pairs.slice(mostPairs).flat()];
    const [first] = rest;
    if (!first) continue;
    const names = rest.map(({ run, step }) => `${step} of ${run}`);
    const reason = alone.length === 0 ? `the page compares ${mostPairs} of them at most` : why;
    notCompared.push(
      `${searchText(first.retrieval)}: ${someOf(names, mostNamed)} ${names.length === 1 ? 'is' : 'are'} not compared: ${reason}.`,
    );
  }
  return { compared, notCompared };
}

const mostPairs = 12;
const mostNamed = 6;

/** By what was searched for, among what, and by what of an image. */
function groupsOf(found: readonly RunSearch[]): Iterable<readonly RunSearch[]> {
  const groups = new Map<string, RunSearch[]>();
  for (const each of found) {
    const { query, gallery, of } = each.retrieval;
    const key = JSON.stringify([query, gallery, of]);
    const group = groups.get(key) ?? [];
    group.push(each);
    groups.set(key, group);
  }
  return groups.values();
}

interface Paired {
  readonly pairs: readonly (readonly [RunSearch, RunSearch])[];
  readonly alone: readonly RunSearch[];
  /** Why they are alone: the end of a sentence. */
  readonly why: string;
}

/** Searches of two runs, each with that of the other run by the step of the same name; one that is left in each, with the other. */
function pairsIn(group: readonly RunSearch[], compared: number): Paired {
  const runs = [...new Set(group.map(({ run }) => run))];
  const [one, other] = runs;
  if (one === undefined || other === undefined)
    // One run alone has nothing to be compared with.
    return { pairs: [], alone: compared < 2 ? [] : group, why: 'no other run made this search' };
  if (runs.length > 2)
    return { pairs: [], alone: group, why: `${runs.length} runs made this search, and two are compared at a time` };
  const ofRun = (run: string) => group.filter((each) => each.run === run);
  const [ofOne, ofOther] = [ofRun(one), ofRun(other)];
  const pairs = ofOne.flatMap((a) => ofOther.filter(({ step }) => step === a.step).map((b) => [a, b] as const));
  const isPaired = (each: RunSearch) => pairs.some((pair) => pair.includes(each));
  const alone = group.filter((each) => !isPaired(each));
  const [a, b, ...more] = alone;
  if (a && b && more.length === 0 && a.run !== b.run) return { pairs: [...pairs, [a, b]], alone: [], why: '' };
  const why = 'where a run made a search several times, those of steps of the same name are compared';
  return { pairs, alone, why };
}

async function compareSearches(store: Store, a: Found, b: Found): Promise<CommonSearch> {
  const search = { title: searchText(a.retrieval), arms: [a.arm, b.arm], variants: [a.variant, b.variant] } as const;
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
