import { type DatasetAbout, knownClasses } from '../contracts/artifacts.ts';
import { type Evaluation, embeddingFile, evaluationFile, predictionsFile } from '../contracts/evaluation.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import { bytesOf, encodeSafetensors, jsonBytes, writeArtifact } from '../store/index.ts';
import type { JobContext } from '../training/index.ts';
import { copiesOfTraining, withoutCopies } from './copies.ts';
import { asEmbedding, cosineSimilarities, type Embedding, rowsOf } from './embedding.ts';
import { stopIfAsked, withFrozenEncoder } from './frozen-encoder.ts';
import { measured } from './measured.ts';
import { expectedCalibrationError, reliability } from './metrics/calibration.ts';
import {
  type Answers,
  confusionMatrix,
  macroF1,
  mostConfused,
  perClassMetrics,
  topKAccuracy,
} from './metrics/classification.ts';
import { pairMeasures, silhouette } from './metrics/geometry.ts';
import { between, mistakes } from './metrics/mistakes.ts';
import { retrieval } from './metrics/retrieval.ts';
import { nearestNeighbourAccuracy } from './nearest-neighbours.ts';
import { openClassifier } from './open-classifier.ts';
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

/** Measures classifier and embedding on the test images, which nothing before has looked at. */
export async function evaluate(input: JobInput<'evaluate'>, context: JobContext): Promise<JobResult<'evaluate'>> {
  const classifier = await openClassifier(context.store, input);
  const about = await describeDataset(context.store, input.dataset);
  requireTestImages(about);
  const known = knownClasses(about);
  const { classes } = known;
  const { splits } = about;
  const { train, test, encoderDigest } = await withFrozenEncoder(input, context, async (featuresOf, digest) => ({
    train: await featuresOf('train'),
    test: await featuresOf('test'),
    encoderDigest: digest,
  }));
  const answers = classifierAnswers(classifier, test);
  const knn = await nearestNeighbourAccuracy(asEmbedding(train), asEmbedding(test), {
    ks: input.parameters.neighbours,
    onProgress: (done, total) => {
      context.progress({ phase: 'nearest neighbours', done, total, unit: 'images' });
      stopIfAsked(context);
    },
  });
  const copies = await copiesOfTraining(context.store, { ...input, classifierDataset: classifier.about.dataset });
  const rows = sampleClasses(test.labels, geometryImages);
  const sample = rowsOf(asEmbedding(test), rows);
  context.progress({ phase: 'geometry', done: 0, total: rows.length, unit: 'images' });
  const evaluation: Evaluation = {
    dataset: about.name,
    testImages: test.count,
    ...known,
    ...measureClassifier(answers, test.labels, classes),
    knn: knn.map(({ k, accuracy }) => ({ k, accuracy: measured(accuracy) })),
    ...untrained(splits),
    ...(copies === null
      ? {}
      : {
          copies: withoutCopies(copies, {
            answers,
            neighbours: knn[0]?.predicted ?? new Int32Array(),
            labels: test.labels,
            classes: classes.length,
          }),
        }),
    geometry: measureGeometry(
      sample,
      rows.map((row) => test.labels[row] ?? 0),
    ),
    encoderDigest,
  };
  const ref = await writeArtifact(context.store, {
    kind: 'evaluation',
    about: { classifier: input.classifier, encoder: input.encoder, dataset: input.dataset },
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
    ],
  });
  const { top1, top5, macroF1: f1 } = evaluation;
  return {
    evaluation: { ...ref, kind: 'evaluation' },
    top1,
    top5,
    macroF1: f1,
    knn: measured(knn[0]?.accuracy),
    copies: copies?.size ?? null,
    cleanTop1: evaluation.copies?.top1 ?? null,
  };
}

/** Test images that can only be mistaken, as a split by chance leaves some where classes have two or three images. */
function untrained({ train, test }: DatasetAbout['splits']): Pick<Evaluation, 'untrained'> {
  const counts = test.perClass.filter((images, label) => images > 0 && (train.perClass[label] ?? 0) === 0);
  if (counts.length === 0) return {};
  return { untrained: { images: counts.reduce((sum, images) => sum + images, 0), classes: counts.length } };
}

/** @param names of the classes */
function measureClassifier(answers: Answers, labels: Int32Array, names: readonly string[]) {
  const confusion = confusionMatrix(labels, answers.predicted, names.length);
  const perClass = perClassMetrics(confusion);
  const wrong = mistakes(answers, labels);
  const bins = reliability(answers, labels);
  return {
    top1: measured(topKAccuracy(answers, 1)),
    top5: names.length > 5 ? topKAccuracy(answers, 5) : null,
    macroF1: measured(macroF1(perClass)),
    expectedCalibrationError: measured(expectedCalibrationError(bins)),
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
