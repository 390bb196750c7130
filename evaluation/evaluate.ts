import { type DatasetAbout, knownClasses } from '../contracts/artifacts.ts';
import {
  type BriefMeasures,
  type Evaluation,
  embeddingFile,
  evaluationFile,
  predictionsFile,
} from '../contracts/evaluation.ts';
import { knownImagesFile } from '../contracts/known-images.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import type { WeakestClass } from '../contracts/weakest-class.ts';
import { describeDataset } from '../datasets/index.ts';
import { bytesOf, encodeSafetensors, jsonBytes, writeArtifact } from '../store/index.ts';
import { type JobContext, stopIfAsked } from '../training/index.ts';
import { calibrate, comparedWith, defaultRefusals, pickRows } from './calibrate.ts';
import { copiesOfTraining } from './copies.ts';
import { asEmbedding, cosineSimilarities, type Embedding, rowsOf } from './embedding.ts';
import { withFrozenEncoder } from './frozen-encoder.ts';
import { inspectedLeaks } from './inspection/leaks.ts';
import { knownImages, knownImagesContent } from './known-images.ts';
import { leakPairs } from './leak-pairs.ts';
import { countLeaks, leaksBy, leftOutCodes } from './leaks.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import { measured } from './measured.ts';
import { expectedCalibrationError, reliability } from './metrics/calibration.ts';
import {
  type Answers,
  accuracyOf,
  confusionMatrix,
  macroF1,
  mostConfused,
  perClassMetrics,
  topKAccuracy,
} from './metrics/classification.ts';
import { pairMeasures, silhouette } from './metrics/geometry.ts';
import { between, mistakes } from './metrics/mistakes.ts';
import { retrieval } from './metrics/retrieval.ts';
import { type Neighbours, nearestNeighbourAccuracy } from './nearest-neighbours.ts';
import { answeringOn, openClassifier } from './open-classifier.ts';
import { sampleClasses } from './sample-classes.ts';
import { classifierAnswers, classify } from './softmax-classifier.ts';
import { requireTestImages } from './split-views.ts';

/** Images that the measures over all pairs are taken on. */
const geometryImages = 2000;
const confusedPairs = 5;
/** Rows that are named: of each confused pair, and of the worst mistakes. */
const namedRows = 100;
const recallAtK = [1, 2, 4, 8];
/** Probabilities that are kept with the predictions. */
const keptProbabilities = 4_000_000;

/**
 * Measures classifier and embedding on the test images, which nothing before has looked at, and calibrates the classifier by validation
 * images. Test images that leak, because they show what a training image shows, are left out unless they are to be kept.
 *
 * @throws ContrailError InvalidInput where the inspection is of another data set
 */
export async function evaluate(input: JobInput<'evaluate'>, context: JobContext): Promise<JobResult<'evaluate'>> {
  const { store } = context;
  const { neighbours: ks, leaks: policy } = input.parameters;
  const opened = await openClassifier(store, input);
  const about = await describeDataset(store, input.dataset);
  requireTestImages(about);
  const inspected = input.inspection ? await inspectedLeaks(store, input.inspection, input.dataset, 'test') : null;
  const ofDataset = knownClasses(about);
  const { classes } = ofDataset;
  const { classifier, columnOf } = answeringOn(opened, classes);
  const { train, validation, test, encoderDigest } = await withFrozenEncoder(
    input,
    context,
    async (featuresOf, digest) => ({
      train: await featuresOf('train'),
      validation: await featuresOf('validation'),
      test: await featuresOf('test'),
      encoderDigest: digest,
    }),
  );
  const answers = classifierAnswers(classifier, test);
  const report = (phase: string) => (done: number, total: number) => {
    context.progress({ phase, done, total, unit: 'images' });
    stopIfAsked(context);
  };
  const knn = await nearestNeighbourAccuracy(asEmbedding(train), asEmbedding(test), {
    ks,
    onProgress: report('nearest neighbours'),
  });
  const [copies = null, validationCopies = null] = await copiesOfTraining(
    store,
    { ...input, classifierDataset: opened.about.dataset },
    ['test', 'validation'],
  );
  const leaks = leaksBy(copies, inspected);
  const all = Int32Array.from(test.labels.keys());
  const clean = all.filter((row) => leaks.kindOf(row) === null);
  const counted = policy === 'keep' ? all : clean;
  const said: Said = { answers, knn, labels: test.labels, classes };
  const ofCleanOnly = saidOf(said, clean);
  const on = policy === 'keep' ? said : ofCleanOnly;
  const rows = sampleClasses(on.labels, geometryImages).map((at) => counted[at] as number);
  const sample = rowsOf(asEmbedding(test), rows);
  context.progress({ phase: 'geometry', done: 0, total: Math.max(1, rows.length), unit: 'images' });
  const ofAll = briefOf(said);
  const ofClean = leaks.kinds.length === 0 ? null : briefOf(ofCleanOnly);
  const counts = countLeaks(leaks, all);
  const measures = measureClassifier(on, counted);
  const choosing = await choosingRows(input, context, {
    about,
    columnOf,
    labels: validation.labels,
    copies: validationCopies,
  });
  const chosen = pickRows(validation, choosing);
  const known = knownImages(
    train,
    Int32Array.from(train.labels.keys()).filter((row) => columnOf(train.labels[row] as number) !== undefined),
  );
  const compared = (features: LabelledFeatures, which: string) =>
    comparedWith(known.features, features, report(`nearest of the ${which} images`));
  const calibration =
    choosing.length === 0
      ? null
      : await calibrate(
          // Of its own classes alone: no temperature gives those that it does not know a probability.
          opened,
          {
            validation: await compared(
              { ...chosen, labels: chosen.labels.map((label) => columnOf(label) as number) },
              'validation',
            ),
            test: {
              ...(await compared(pickRows(test, counted), 'test')),
              predicted: on.answers.predicted,
              before: measures.expectedCalibrationError,
            },
            refusals: input.parameters.refusals ?? defaultRefusals,
            known: { images: known.rows.length, training: train.count },
          },
          async (done, total) => {
            context.progress({ phase: 'calibration', done, total, unit: 'steps' });
            await new Promise(setImmediate);
            stopIfAsked(context);
          },
        );
  const evaluation: Evaluation = {
    dataset: about.name,
    testImages: counted.length,
    ...ofDataset,
    ...measures,
    ...(calibration ? { calibration } : {}),
    knn: on.knn.map(({ k, accuracy }) => ({ k, accuracy })),
    ...untrained(about.splits, on.labels),
    all: ofAll,
    ...(ofClean === null
      ? {}
      : {
          clean: ofClean,
          leaks: {
            ...counts,
            policy,
            partly: leaks.partly,
            pairs: await leakPairs(store, input.dataset, leaks, inspected, {
              test: test.labels,
              train: train.labels,
            }),
          },
        }),
    geometry: measureGeometry(
      sample,
      rows.map((row) => test.labels[row] as number),
    ),
    encoderDigest,
  };
  const ref = await writeArtifact(context.store, {
    kind: 'evaluation',
    about: {
      classifier: input.classifier,
      encoder: input.encoder,
      dataset: input.dataset,
      ...(input.inspection ? { inspection: input.inspection } : {}),
    },
    files: [
      { path: evaluationFile, content: jsonBytes(evaluation) },
      {
        path: predictionsFile,
        content: encodeSafetensors([
          { name: 'labels', dtype: 'I32', shape: [test.count], data: bytesOf(test.labels) },
          { name: 'predicted', dtype: 'I32', shape: [test.count], data: bytesOf(answers.predicted) },
          {
            name: 'confidence',
            dtype: 'F32',
            shape: [test.count],
            data: bytesOf(Float32Array.from(answers.confidence)),
          },
          { name: 'rank', dtype: 'I32', shape: [test.count], data: bytesOf(answers.rank) },
          {
            name: 'leftOut',
            dtype: 'I32',
            shape: [test.count],
            data: bytesOf(leftOutCodes(leaks, policy, all)),
          },
          ...knn.slice(0, 1).map(({ predicted }) => ({
            name: 'neighbours',
            dtype: 'I32' as const,
            shape: [test.count],
            data: bytesOf(predicted),
          })),
          ...(test.count * classes.length > keptProbabilities
            ? []
            : [
                {
                  name: 'probabilities',
                  dtype: 'F32' as const,
                  shape: [test.count, classes.length],
                  data: bytesOf(classify(classifier, test)),
                },
              ]),
        ]),
      },
      {
        path: embeddingFile,
        content: encodeSafetensors([
          { name: 'rows', dtype: 'I32', shape: [rows.length], data: bytesOf(rows) },
          { name: 'embedding', dtype: 'F32', shape: [rows.length, test.dimension], data: bytesOf(sample.values) },
        ]),
      },
      ...(calibration ? [{ path: knownImagesFile, content: knownImagesContent(known) }] : []),
    ],
  });
  return {
    evaluation: { ...ref, kind: 'evaluation' },
    top1: evaluation.top1,
    top5: evaluation.top5,
    macroF1: evaluation.macroF1,
    ...weakestOf(evaluation),
    knn: on.knn[0]?.accuracy ?? null,
    allTop1: measured(ofAll.top1),
    cleanTop1: ofClean?.top1 ?? null,
    copies: counts.exact,
    nearLeaks: counts.near,
    embeddingLeaks: counts.embedding,
  };
}

/**
 * Rows of the validation split by which the classifier is calibrated: of classes with training images that it knows, without those that leak from
 * training, whatever the policy: they would make a classifier seem surer than it may be.
 */
async function choosingRows(
  { inspection, dataset }: JobInput<'evaluate'>,
  { store }: JobContext,
  {
    about,
    columnOf,
    labels,
    copies,
  }: {
    readonly about: DatasetAbout;
    readonly columnOf: (label: number) => number | undefined;
    readonly labels: Int32Array;
    readonly copies: ReadonlySet<number> | null;
  },
): Promise<Int32Array> {
  const inspected = inspection ? await inspectedLeaks(store, inspection, dataset, 'validation') : null;
  const { kindOf } = leaksBy(copies, inspected);
  const { perClass } = about.splits.train;
  return Int32Array.from(labels.keys()).filter(
    (row) =>
      kindOf(row) === null &&
      (perClass[labels[row] as number] ?? 0) > 0 &&
      columnOf(labels[row] as number) !== undefined,
  );
}

/** The class of which the smallest share of the test images is recognised; of several, that with the most images. */
function weakestOf({ classes, perClass }: Evaluation): { readonly weakest?: WeakestClass } {
  const [worst] = perClass
    .flatMap(({ recall, support }, label) => (recall === null ? [] : [{ label, recall, support }]))
    .toSorted((a, b) => a.recall - b.recall || b.support - a.support);
  if (!worst) return {};
  const { label, recall, support } = worst;
  return { weakest: { class: classes[label] ?? '', right: Math.round(recall * support), images: support } };
}

/** Test images that can only be mistaken, as a split by chance leaves some where classes have two or three images. */
function untrained({ train }: DatasetAbout['splits'], labels: Int32Array): Pick<Evaluation, 'untrained'> {
  const found = [...labels].filter((label) => (train.perClass[label] ?? 0) === 0);
  return found.length === 0 ? {} : { untrained: { images: found.length, classes: new Set(found).size } };
}

/** What classifier and neighbours say of some test images. */
interface Said {
  readonly answers: Answers;
  readonly knn: readonly Neighbours[];
  readonly labels: Int32Array;
  /** Their names. */
  readonly classes: readonly string[];
}

/** What is said of some of the rows, in their order. */
function saidOf({ answers, knn, labels, classes }: Said, rows: Int32Array): Said {
  const ints = (values: Int32Array) => rows.map((row) => values[row] as number);
  const own = ints(labels);
  return {
    labels: own,
    classes,
    answers: {
      predicted: ints(answers.predicted),
      confidence: Float64Array.from(rows, (row) => answers.confidence[row] as number),
      rank: ints(answers.rank),
    },
    knn: knn.map(({ k, predicted }) => {
      const votes = ints(predicted);
      return { k, predicted: votes, accuracy: accuracyOf(votes, own) };
    }),
  };
}

const top5Of = ({ answers, classes }: Said) => (classes.length > 5 ? topKAccuracy(answers, 5) : null);

function briefOf(said: Said): BriefMeasures {
  const { answers, labels, classes, knn } = said;
  return {
    images: labels.length,
    top1: topKAccuracy(answers, 1),
    top5: top5Of(said),
    macroF1: macroF1(perClassMetrics(confusionMatrix(labels, answers.predicted, classes.length))),
    knn: knn[0]?.accuracy ?? null,
  };
}

/** @param rows of the test split, of each image that something is said of */
function measureClassifier(said: Said, rows: Int32Array) {
  const { answers, labels, classes: names } = said;
  const confusion = confusionMatrix(labels, answers.predicted, names.length);
  const perClass = perClassMetrics(confusion);
  const wrong = mistakes(answers, labels).map((each) => ({ ...each, row: rows[each.row] as number }));
  const bins = reliability(answers, labels);
  return {
    top1: topKAccuracy(answers, 1),
    top5: top5Of(said),
    macroF1: macroF1(perClass),
    expectedCalibrationError: expectedCalibrationError(bins),
    reliability: bins,
    perClass,
    confusion,
    mostConfused: mostConfused(confusion, confusedPairs).map(({ a, b, count }) => ({
      a: names[a] ?? '',
      b: names[b] ?? '',
      count,
      rows: between(wrong, a, b)
        .slice(0, namedRows)
        .map(({ row }) => row),
    })),
    worst: wrong.slice(0, namedRows),
  };
}

function measureGeometry(sample: Embedding, labels: Int32Array): Evaluation['geometry'] {
  const similarities = cosineSimilarities(sample);
  const { queries, recallAt, rPrecision, mapAtR } = retrieval(similarities, labels, recallAtK);
  return {
    images: sample.count,
    ...pairMeasures(similarities, labels),
    silhouette: silhouette(similarities, labels, 'cosine'),
    queries,
    recallAt1: recallAt[0]?.value ?? null,
    recallAt: [...recallAt],
    rPrecision,
    mapAtR,
  };
}
