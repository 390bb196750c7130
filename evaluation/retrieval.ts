import { type Estimate, type Retrieval, retrievalFile } from '../contracts/retrieval.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset, rowsByClass } from '../datasets/index.ts';
import { jsonBytes, writeArtifact } from '../store/index.ts';
import type { JobContext } from '../training/index.ts';
import { asEmbedding } from './embedding.ts';
import { stopIfAsked, withFrozenEncoder } from './frozen-encoder.ts';
import { type GalleryMeasures, searchGallery } from './gallery.ts';
import { bootstrapIntervals } from './metrics/intervals.ts';
import { mean } from './metrics/statistics.ts';
import { acceptedAt, type PairCounts, pairsOf, thresholdFor, verification } from './metrics/verification.ts';
import { requireTestImages } from './split-views.ts';

/** With fewer classes an interval from whole classes says little, and single queries are drawn. */
const leastClasses = 20;
const worstClasses = 100;

/**
 * Each test image as a query among all the others, by the encoder alone: what a search for look-alikes would find. It needs no
 * class to be known from training, so it also measures classes that were held out.
 */
export async function retrieval(input: JobInput<'retrieval'>, context: JobContext): Promise<JobResult<'retrieval'>> {
  const about = await describeDataset(context.store, input.dataset);
  requireTestImages(about);
  const { k: ks, falseAccepts, seed } = input.parameters;
  const search = (phase: string, features: Parameters<typeof asEmbedding>[0]) =>
    searchGallery(asEmbedding(features), (done, total) => {
      context.progress({ phase, done, total, unit: 'images' });
      stopIfAsked(context);
    });
  const { test, validation } = await withFrozenEncoder(input, context, async (featuresOf) => ({
    test: await featuresOf('test'),
    validation: about.splits.validation.count === 0 ? null : await featuresOf('validation'),
  }));
  const chosenOn = validation && (await search('pairs of validation images', validation)).pairs;
  const found = await search('searching test images', test);
  const retrieved: Retrieval = {
    dataset: about.name,
    images: test.count,
    ...measure(found, test.labels, about.classes, { ks: [...new Set([1, ...ks])].sort((a, b) => a - b), seed }),
    verification: verify(found.pairs, chosenOn, falseAccepts),
  };
  const ref = await writeArtifact(context.store, {
    kind: 'retrieval',
    about: { encoder: input.encoder, dataset: input.dataset },
    files: [{ path: retrievalFile, content: jsonBytes(retrieved) }],
  });
  const [recallAt1] = retrieved.recallAt;
  const [low, high] = recallAt1?.interval ?? [null, null];
  return {
    retrieval: { ...ref, kind: 'retrieval' },
    queries: retrieved.queries,
    recallAt1: recallAt1?.value ?? null,
    low,
    high,
    mapAtR: retrieved.mapAtR.value,
    equalErrorRate: retrieved.verification.equalErrorRate,
  };
}

/** @param names of the classes */
function measure(
  { queries, first, rPrecision, mapAtR, ndcg }: GalleryMeasures,
  labels: Int32Array,
  names: readonly string[],
  { ks, seed }: { readonly ks: readonly number[]; readonly seed: number },
) {
  const classOf = queries.map((row) => labels[row] as number);
  const classes = [...new Set(classOf)];
  const resampled = classes.length < leastClasses ? 'queries' : 'classes';
  const groupOf = new Map(classes.map((label, group) => [label, group]));
  const groups =
    resampled === 'queries' ? queries.map((_, query) => query) : classOf.map((label) => groupOf.get(label) ?? 0);
  const hits = ks.map((k) => Float64Array.from(first, (rank) => Number(rank <= k)));
  const measures = [...hits, rPrecision, mapAtR, ndcg];
  const intervals = bootstrapIntervals(measures, groups, seed);
  const estimate = (which: number): Estimate => ({
    value: meanOf(measures[which] ?? []),
    interval: intervals[which] ?? null,
  });
  return {
    queries: queries.length,
    classes: classes.length,
    seed,
    resampled,
    recallAt: ks.map((k, which) => ({ k, ...estimate(which) })),
    rPrecision: estimate(ks.length),
    mapAtR: estimate(ks.length + 1),
    ndcg: estimate(ks.length + 2),
    worst: worstOf(classOf, hits[0] ?? new Float64Array(), mapAtR, names),
  } satisfies Partial<Retrieval>;
}

function worstOf(
  classOf: Int32Array,
  hits: Float64Array,
  mapAtR: Float64Array,
  names: readonly string[],
): Retrieval['worst'] {
  return [...rowsByClass(classOf)]
    .map(([label, rows]) => ({
      name: names[label] ?? '',
      queries: rows.length,
      recallAt1: mean(rows.map((row) => hits[row] as number)),
      mapAtR: mean(rows.map((row) => mapAtR[row] as number)),
    }))
    .sort((a, b) => a.recallAt1 - b.recallAt1 || a.mapAtR - b.mapAtR || (a.name < b.name ? -1 : 1))
    .slice(0, worstClasses);
}

/** Validation images choose the threshold, since one that test images chose would look better than it is. */
function verify(test: PairCounts, validation: PairCounts | null, wanted: number): Retrieval['verification'] {
  const threshold = validation && thresholdFor(validation, wanted);
  const { pairs, equalErrorRate, roc } = verification(test);
  return {
    pairs,
    equalErrorRate,
    roc: [...roc],
    chosen:
      validation === null || threshold === null
        ? null
        : { wanted, validationPairs: pairsOf(validation), threshold, ...acceptedAt(test, threshold) },
  };
}

const meanOf = (values: ArrayLike<number>): number | null => (values.length === 0 ? null : mean(values));
