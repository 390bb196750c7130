import type { z } from 'zod';
import { type Drift, type driftAboutSchema, driftFile, lookNames, type NewCluster } from '../../contracts/drift.ts';
import { encoderAboutSchema, trainedOn } from '../../contracts/encoder.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { canonicalJson } from '../../contracts/json.ts';
import type { JobInput, JobResult, TrainerProgress } from '../../contracts/trainer.ts';
import { digestsIfKept } from '../../datasets/index.ts';
import { jsonBytes, readAbout, type Store, writeArtifact } from '../../store/index.ts';
import { type JobContext, stopIfAsked } from '../../training/index.ts';
import { type Embedding, rowsOf } from '../embedding.ts';
import { shareInterval } from '../metrics/intervals.ts';
import { mean } from '../metrics/statistics.ts';
import type { Nearest } from '../nearest.ts';
import { openClassifier } from '../open-classifier.ts';
import { classifyInBlocks } from '../softmax-classifier.ts';
import { type ChosenRows, chooseRows } from './choose-rows.ts';
import { testClassShares } from './class-shares.ts';
import { testLooks } from './looks.ts';
import { testEmbeddings } from './mean-discrepancy.ts';
import { nearestKnown } from './nearest-known.ts';
import { clustersOf, likenessOfCluster } from './news.ts';
import { type OpenVectors, openVectors } from './read-vectors.ts';
import { drawRelabelings, type Relabelings } from './relabelings.ts';
import { testUnknown } from './unknown-share.ts';
import { judge, tooFew } from './verdict.ts';

/** Classes that changed most, in the artifact. */
const listedClasses = 20;

type File = Parameters<typeof writeArtifact>[1]['files'][number];

/** Compares recent images with held-out ones of the training data, judges whether they differ, and shows what is new. */
export async function drift(input: JobInput<'drift'>, context: JobContext): Promise<JobResult<'drift'>> {
  const { recent: recentRef, reference: referenceRef, classifier, parameters } = input;
  const { store } = context;
  const turnOf =
    (phase: string, unit: TrainerProgress['unit'] = 'images') =>
    async (done: number, total: number) => {
      context.progress({ phase, done, total: Math.max(1, total), unit });
      stopIfAsked(context);
      await new Promise(setImmediate);
    };
  const recent = await openVectors(store, recentRef, turnOf('reading recent images'));
  const reference = await openVectors(store, referenceRef, turnOf('reading reference images'));
  requireOneEncoder(recent, reference);
  const { encoder } = reference.about;
  const chosen = chooseRows(recent.facts, reference.facts, {
    ...parameters,
    trained: await trainedSources(store, encoder),
    hasLost: reference.about.rejected.count > 0,
  });

  const images: Drift['images'] = {
    recent: recent.facts.length,
    seen: chosen.seen,
    compared: chosen.recent.length,
    reference: chosen.heldOut.length,
    split: chosen.split,
    known: chosen.known.length,
  };
  const enough = Math.min(images.compared, images.reference) >= parameters.minimum && images.known > 0;
  const common = { falseAlarms: parameters.falseAlarms, seed: parameters.seed, images };
  const { found, files } = enough
    ? await measure(recent, reference, chosen, input, context, turnOf)
    : { found: { embeddings: null, unknown: null, classes: null, looks: null, news: null }, files: [] };
  const judged = enough
    ? judge({ ...found, images }, parameters)
    : { verdict: 'too few' as const, reasons: [tooFew(images, parameters.minimum)], level: parameters.falseAlarms };
  const content: Drift = { ...judged, ...common, ...found };
  const about: z.input<typeof driftAboutSchema> = {
    recent: recentRef,
    reference: referenceRef,
    encoder,
    ...(classifier ? { classifier } : {}),
  };
  const ref = await writeArtifact(store, {
    kind: 'drift',
    about,
    files: [{ path: driftFile, content: jsonBytes(content) }, ...files],
  });
  return {
    drift: { ...ref, kind: 'drift' },
    drifted: content.verdict === 'drifted',
    verdict: content.verdict,
    why: content.reasons.join(' '),
    images: chosen.fresh,
    unknown: content.unknown?.share ?? null,
    expectedUnknown: content.unknown?.expected ?? null,
    clusters: content.news?.clusters.length ?? 0,
  };
}

/** @throws ContrailError InvalidInput where the images were embedded by two encoders */
function requireOneEncoder(recent: OpenVectors, reference: OpenVectors): void {
  if (canonicalJson(recent.about.encoder) === canonicalJson(reference.about.encoder)) return;
  throw new ContrailError(
    'InvalidInput',
    'Recent and reference images were embedded by different encoders, so their embeddings do not compare. Embed both by the encoder of the model that is in use.',
  );
}

/** SHA-256 of the files that an encoder was trained on here; null where it was trained on none. */
async function trainedSources(store: Store, ref: JobInput<'drift'>['reference']): Promise<ReadonlySet<string> | null> {
  const datasets = trainedOn(await readAbout(store, ref, encoderAboutSchema));
  if (datasets.length === 0) return null;
  const sources = new Set<string>();
  // A data set that is gone is no reason not to look: the splits of the reference still say what was trained on.
  for (const dataset of datasets)
    for (const source of (await digestsIfKept(store, dataset, 'train'))?.source ?? []) sources.add(source);
  return sources;
}

type TurnOf = (phase: string, unit?: TrainerProgress['unit']) => (done: number, total: number) => Promise<void>;

async function measure(
  recent: OpenVectors,
  reference: OpenVectors,
  chosen: ChosenRows,
  input: JobInput<'drift'>,
  { store }: JobContext,
  turnOf: TurnOf,
): Promise<{
  readonly found: Omit<Drift, 'verdict' | 'reasons' | 'level' | 'falseAlarms' | 'seed' | 'images'>;
  readonly files: readonly File[];
}> {
  const { parameters, classifier } = input;
  const [own, explored] = await recent.embeddings(chosen.recent, chosen.explored);
  const [heldOut, known] = await reference.embeddings(chosen.heldOut, chosen.known);
  const both = joined(own, heldOut);
  const ways = drawRelabelings(own.count, both.count, parameters.seed);
  const embeddings = await testEmbeddings(both, ways, turnOf('comparing embeddings', 'steps'));
  const looks = looksOf(recent, reference, chosen, ways);
  const classes = classifier
    ? await classesOf(store, { classifier, encoder: reference.about.encoder }, both, ways)
    : null;
  const [near, nearHeldOut, nearExplored] = await nearestKnown(
    known,
    [own, heldOut, explored],
    turnOf('looking for the nearest'),
  );
  if (!near || !nearHeldOut || !nearExplored) throw new Error('there are three sets of images');
  const unknown = testUnknown(near.scores, nearHeldOut.scores, parameters.refusals);
  const { news, files } = await newsOf(
    { recent, reference, chosen, explored, heldOut, near: nearExplored },
    unknown.threshold,
  );
  return { found: { embeddings, unknown, classes, looks, news }, files };
}

function joined(a: Embedding, b: Embedding): Embedding {
  const values = new Float32Array(a.values.length + b.values.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  return { values, count: a.count + b.count, dimension: a.dimension };
}

function looksOf(recent: OpenVectors, reference: OpenVectors, chosen: ChosenRows, ways: Relabelings): Drift['looks'] {
  const rows = [
    ...Array.from(chosen.recent, (row) => recent.facts[row]),
    ...Array.from(chosen.heldOut, (row) => reference.facts[row]),
  ];
  const measures = lookNames.map((name) => Float64Array.from(rows, (row) => row?.[name] ?? 0));
  const { statistics, p } = testLooks(measures, ways);
  return {
    p,
    of: lookNames.map((name, at) => ({
      name,
      statistic: statistics[at] as number,
      recent: mean((measures[at] as Float64Array).subarray(0, ways.recent)),
      reference: mean((measures[at] as Float64Array).subarray(ways.recent)),
    })),
  };
}

async function classesOf(
  store: Store,
  refs: Parameters<typeof openClassifier>[1],
  { values, count, dimension }: Embedding,
  ways: Relabelings,
): Promise<Drift['classes']> {
  const classifier = await openClassifier(store, refs);
  const names = classifier.about.classes;
  const predicted = new Int32Array(count);
  classifyInBlocks(classifier, { features: values, count, dimension }, (probabilities, start, size) => {
    for (let at = 0; at < size; at++) {
      const own = probabilities.subarray(at * names.length, (at + 1) * names.length);
      predicted[start + at] = own.reduce((best, value, label) => (value > (own[best] as number) ? label : best), 0);
    }
  });
  const { recent, reference, distance, p } = testClassShares(predicted, names.length, ways);
  const shares = names.map((name, label) => ({
    class: name,
    recent: shareInterval(recent[label] as number, ways.recent),
    reference: shareInterval(reference[label] as number, ways.images - ways.recent),
  }));
  const change = (each: (typeof shares)[number]) => Math.abs(each.recent.share - each.reference.share);
  return {
    distance,
    p,
    count: names.length,
    listed: shares.sort((a, b) => change(b) - change(a)).slice(0, listedClasses),
  };
}

/** Clusters of the unknown among all recent images, with pictures. */
async function newsOf(
  {
    recent,
    reference,
    chosen,
    explored,
    heldOut,
    near,
  }: {
    readonly recent: OpenVectors;
    readonly reference: OpenVectors;
    readonly chosen: ChosenRows;
    readonly explored: Embedding;
    readonly heldOut: Embedding;
    readonly near: Nearest;
  },
  threshold: number,
): Promise<{ readonly news: NonNullable<Drift['news']>; readonly files: readonly File[] }> {
  const unknown = Int32Array.from(near.scores.keys()).filter((at) => (near.scores[at] as number) < threshold);
  const { clusters, others } = clustersOf(rowsOf(explored, unknown), likenessOfCluster(heldOut, threshold));
  const rowOf = (member: number) => chosen.explored[unknown[member] as number] as number;
  const knownOf = (member: number) => chosen.known[near.places[unknown[member] as number] as number] as number;
  const shown = await recent.shown(clusters.flatMap((each) => each.shown.map(rowOf)));
  const shownKnown = await reference.shown(clusters.map((each) => knownOf(each.shown[0] as number)));
  const files: File[] = [];
  const picture = (path: string, content: Uint8Array | null | undefined) => {
    if (!content) return {};
    files.push({ path, content });
    return { picture: path };
  };
  const told = clusters.map(({ members, shown: few }, cluster): NewCluster => {
    const beside = shownKnown.get(knownOf(few[0] as number));
    const label = beside?.row.label;
    return {
      size: members.length,
      near: commonest(members.map((member) => reference.facts[knownOf(member)]?.label)),
      similarity: mean(members.map((member) => near.scores[unknown[member] as number] as number)),
      images: few.map((member, at) => ({
        name: shown.get(rowOf(member))?.row.name ?? '',
        ...picture(`new-${cluster + 1}-${at + 1}.webp`, shown.get(rowOf(member))?.picture),
      })),
      known: {
        name: beside?.row.name ?? '',
        ...(label === undefined ? {} : { label }),
        ...picture(`known-${cluster + 1}.webp`, beside?.picture),
      },
    };
  });
  return { news: { images: explored.count, unknown: unknown.length, others, clusters: told }, files };
}

/** The label that occurs most, and its share of those that have one. */
function commonest(labels: readonly (string | undefined)[]): NewCluster['near'] {
  const counts = new Map<string, number>();
  for (const label of labels) if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [first] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  if (!first) return null;
  return { class: first[0], share: first[1] / labels.filter((label) => label !== undefined).length };
}
