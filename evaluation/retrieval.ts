import { type DatasetAbout, type SplitName, splitNames, splitOf, splitText } from '../contracts/artifacts.ts';
import { queriesFile, type Retrieval, retrievalFile, type Selection } from '../contracts/retrieval.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import { bytesOf, encodeSafetensors, jsonBytes, type StoredTensor, writeArtifact } from '../store/index.ts';
import { type JobContext, stopIfAsked } from '../training/index.ts';
import { type CopiedQueries, copiedQueries } from './copied-queries.ts';
import { asEmbedding } from './embedding.ts';
import { type FeaturesOf, withFrozenEncoder, withProjections } from './frozen-encoder.ts';
import { answersOf, type QueryAnswers, searchGallery } from './gallery.ts';
import { inspectedLeaks } from './inspection/leaks.ts';
import { countLeaks, leaksBy, leftOutCodes } from './leaks.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import { acceptedAt, type PairCounts, pairsOf, thresholdFor, verification } from './metrics/verification.ts';
import { firstHits, meanOf, measureAnswers, measureCategories } from './retrieval-measures.ts';
import { categoriesOnce, requireCategory, searchOf, selectRows, validationSearch } from './selection.ts';
import { requireImages } from './split-views.ts';
import { measureUnknown } from './unknown.ts';

/** What is searched for, and among what. */
interface Wanted {
  readonly query: Selection;
  readonly gallery: Selection;
}

/**
 * What a search for look-alikes finds, by the encoder alone: each image of a selection is a query among all the others, or among the
 * images of another selection. It needs no class to be known from training, so it measures those that were held out.
 */
export async function retrieval(input: JobInput<'retrieval'>, context: JobContext): Promise<JobResult<'retrieval'>> {
  const { store } = context;
  const about = await describeDataset(store, input.dataset);
  const { k, falseAccepts, refusals, leaks: policy, seed, of } = input.parameters;
  const query = input.parameters.query ?? defaultQuery(about);
  const wanted: Wanted = { query, gallery: input.parameters.gallery ?? query };
  for (const { split } of [wanted.query, wanted.gallery]) requireImages(about, split);
  const categoriesIn = categoriesOnce(store, input.dataset);
  const rowsOf = async ({ query: asked, gallery: searched }: Wanted) => ({
    query: await selectRows(categoriesIn, asked, splitOf(about, asked.split).count),
    gallery: await selectRows(categoriesIn, searched, splitOf(about, searched.split).count),
  });
  const rows = await rowsOf(wanted);
  for (const each of ['query', 'gallery'] as const) await requireCategory(categoriesIn, wanted[each], rows[each]);
  const inspected = input.inspection
    ? await inspectedLeaks(store, input.inspection, input.dataset, wanted.query.split)
    : null;
  const chooser = validationSearch(about, wanted);
  const choosing = chooser && (await rowsOf(chooser));
  const wantsUnknown = isForUnknown(about, wanted);
  const embed = of === 'projection' ? withProjections : withFrozenEncoder;
  const features = await embed(input, context, (featuresOf) =>
    featuresOfSplits(featuresOf, about, [
      wanted.query.split,
      wanted.gallery.split,
      ...(choosing ? [choosing.query.split, choosing.gallery.split] : []),
      ...(wantsUnknown ? splitNames : []),
    ]),
  );
  const report = (phase: string) => (done: number, total: number) => {
    context.progress({ phase, done, total, unit: 'images' });
    stopIfAsked(context);
  };
  const search = searchOf(rows, features);
  const chosenOn = choosing && {
    split: choosing.query.split,
    pairs: (
      await searchGallery(searchOf(choosing, features), report(`pairs of ${splitText(choosing.query.split)} images`))
    ).pairs,
  };
  const found = await searchGallery(search, report(`searching ${splitText(wanted.query.split)} images`));
  const copies = await copiedQueries(store, input, rows);
  const copied = copies && new Set([...copies.inGallery, ...copies.ofTraining]);
  const leaks = leaksBy(copied, inspected, (place) => rows.query.rows[place] as number);
  const clean = answersOf(found, (place) => leaks.kindOf(place) === null);
  const answers = policy === 'keep' ? found : clean;
  const drawn = { labels: search.query.labels, seed };
  const categories = await categoriesIn(wanted.query.split);
  const lone = search.query.count - found.queries.length;
  const retrieved: Retrieval = {
    dataset: about.name,
    ...wanted,
    ...(of === 'projection' ? { of } : {}),
    images: search.query.count,
    galleryImages: search.gallery.count,
    lone,
    ...measureAnswers(answers, { ...drawn, names: about.classes, ks: [...new Set([1, ...k])].sort((a, b) => a - b) }),
    all: briefOf(found),
    ...(leaks.kinds.length === 0
      ? {}
      : { clean: briefOf(clean), leaks: { ...countLeaks(leaks, found.queries), policy, partly: leaks.partly } }),
    copies: copies && countCopies(copies, found),
    categories: categories
      ? measureCategories(
          answers,
          Array.from(rows.query.rows, (row) => categories[row]),
          drawn,
        )
      : [],
    verification: verify(found.pairs, chosenOn, falseAccepts),
    unknown: wantsUnknown
      ? await measureUnknown(
          asEmbedding(features('train')),
          {
            test: { known: asEmbedding(features('test')), unseen: asEmbedding(features('unseenTest')) },
            validation: {
              known: asEmbedding(features('validation')),
              unseen: asEmbedding(features('unseenValidation')),
            },
          },
          refusals,
          report('known or unknown'),
        )
      : null,
  };
  const ref = await writeArtifact(store, {
    kind: 'retrieval',
    about: {
      encoder: input.encoder,
      dataset: input.dataset,
      ...(input.inspection ? { inspection: input.inspection } : {}),
    },
    files: [
      { path: retrievalFile, content: jsonBytes(retrieved) },
      {
        path: queriesFile,
        content: encodeSafetensors(
          tensorsOf(found, { ...rows.query, ...drawn }, leftOutCodes(leaks, policy, found.queries)),
        ),
      },
    ],
  });
  const [recallAt1] = retrieved.recallAt;
  const [low, high] = recallAt1?.interval ?? [null, null];
  return {
    retrieval: { ...ref, kind: 'retrieval' },
    queries: retrieved.queries,
    lone,
    recallAt1: recallAt1?.value ?? null,
    low,
    high,
    mapAtR: retrieved.mapAtR.value,
    allRecallAt1: retrieved.all?.recallAt1 ?? null,
    cleanRecallAt1: retrieved.clean?.recallAt1 ?? null,
    copies: retrieved.leaks?.exact ?? null,
    nearLeaks: retrieved.leaks?.near ?? null,
    embeddingLeaks: retrieved.leaks?.embedding ?? null,
    equalErrorRate: retrieved.verification.equalErrorRate,
    unknownAuroc: retrieved.unknown?.test.auroc ?? null,
    unseenRefused: retrieved.unknown?.test.unseenRefused ?? null,
  };
}

/** Images of classes that were never trained on, where any are; they say what the encoder is worth on new ones. */
const defaultQuery = (about: DatasetAbout): Selection => ({
  split: splitOf(about, 'unseenTest').count > 0 ? 'unseenTest' : 'test',
});

/** A threshold for what is unknown is measured once, over all categories. */
const isForUnknown = (about: DatasetAbout, { query, gallery }: Wanted): boolean =>
  splitOf(about, 'unseenTest').count > 0 &&
  (query.split === 'test' || query.split === 'unseenTest') &&
  query.category === undefined &&
  gallery.category === undefined;

/** Embeds splits, each once. @returns the embeddings of one of them */
async function featuresOfSplits(
  featuresOf: FeaturesOf,
  about: DatasetAbout,
  splits: readonly SplitName[],
): Promise<(split: SplitName) => LabelledFeatures> {
  const found = new Map<SplitName, LabelledFeatures>();
  for (const split of new Set(splits)) if (splitOf(about, split).count > 0) found.set(split, await featuresOf(split));
  const none = { features: new Float32Array(), labels: new Int32Array(), count: 0, dimension: 0 };
  return (split) => found.get(split) ?? none;
}

const briefOf = ({ queries, first, mapAtR }: QueryAnswers) => ({
  queries: queries.length,
  recallAt1: meanOf(firstHits(first)),
  mapAtR: meanOf(mapAtR),
});

/** How many queries find a copy. */
function countCopies({ inGallery, ofTraining }: CopiedQueries, found: QueryAnswers): Retrieval['copies'] {
  const count = (isOne: (place: number) => boolean) => found.queries.filter(isOne).length;
  return {
    inGallery: count((place) => inGallery.has(place)),
    ofTraining: count((place) => ofTraining.has(place)),
    images: count((place) => inGallery.has(place) || ofTraining.has(place)),
  };
}

/** @param searched rows of the split, and labels, of each image that is searched for */
const tensorsOf = (
  { queries, first, mapAtR }: QueryAnswers,
  { rows, labels }: { readonly rows: Int32Array; readonly labels: Int32Array },
  leftOut: Int32Array,
): StoredTensor[] => {
  const shape = [queries.length];
  return [
    { name: 'rows', dtype: 'I32', shape, data: bytesOf(queries.map((row) => rows[row] as number)) },
    { name: 'labels', dtype: 'I32', shape, data: bytesOf(queries.map((row) => labels[row] as number)) },
    { name: 'first', dtype: 'I32', shape, data: bytesOf(first) },
    { name: 'mapAtR', dtype: 'F32', shape, data: bytesOf(Float32Array.from(mapAtR)) },
    { name: 'leftOut', dtype: 'I32', shape, data: bytesOf(leftOut) },
  ];
};

/** Validation images choose the threshold, since one that the test chose would look better than it is. */
function verify(
  test: PairCounts,
  chosenOn: { readonly split: SplitName; readonly pairs: PairCounts } | null,
  wanted: number,
): Retrieval['verification'] {
  const threshold = chosenOn && thresholdFor(chosenOn.pairs, wanted);
  const { pairs, equalErrorRate, roc } = verification(test);
  return {
    pairs,
    equalErrorRate,
    roc: [...roc],
    chosen:
      chosenOn === null || threshold === null
        ? null
        : {
            wanted,
            chosenOn: chosenOn.split,
            validationPairs: pairsOf(chosenOn.pairs),
            threshold,
            ...acceptedAt(test, threshold),
          },
  };
}
