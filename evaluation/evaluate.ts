import { ContrailError } from '../contracts/errors.ts';
import { classifierAboutSchema, classifierFile, type Evaluation, evaluationFile } from '../contracts/evaluation.ts';
import { canonicalJson } from '../contracts/json.ts';
import type { EvaluateInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import {
  decodeSafetensors,
  float32,
  jsonBytes,
  readArtifact,
  readArtifactFile,
  writeArtifact,
} from '../store/index.ts';
import type { JobContext } from '../training/index.ts';
import { withFrozenEncoder } from './frozen-encoder.ts';
import {
  confusionMatrix,
  expectedCalibrationError,
  macroF1,
  mostConfused,
  perClassMetrics,
  predictions,
  topKAccuracy,
} from './metrics/classification.ts';
import { alignment, classDistances, type Embedding, retrieval, silhouette, uniformity } from './metrics/geometry.ts';
import { nearestNeighbourAccuracy } from './nearest-neighbours.ts';
import { classify, type LabelledFeatures, type LinearClassifier } from './softmax-classifier.ts';

/** Images that the measures over all pairs are taken on. */
const geometryImages = 2000;

/** Measures classifier and embedding on the test images, which nothing before has looked at. */
export async function evaluate(input: EvaluateInput, context: JobContext): Promise<JobResult<'evaluate'>> {
  const classifier = await openClassifier(input, context);
  const { name, classes } = await describeDataset(context.store, input.dataset);
  const evaluation = await withFrozenEncoder(input, context, async (featuresOf, encoderDigest): Promise<Evaluation> => {
    const [train, test] = [await featuresOf('train'), await featuresOf('test')];
    if (test.count === 0)
      throw new ContrailError(
        'InvalidDataset',
        'The data set has no test images; set `test` in its prepare-data step.',
      );
    const scores = { values: classify(classifier, test), count: test.count, classes: classes.length };
    const confusion = confusionMatrix(test.labels, predictions(scores), classes.length);
    const perClass = perClassMetrics(confusion);
    const onProgress = (done: number, total: number) =>
      context.progress({ phase: 'nearest neighbours', done, total, unit: 'images' });
    return {
      dataset: name,
      classes,
      testImages: test.count,
      top1: topKAccuracy(scores, test.labels, 1),
      top5: topKAccuracy(scores, test.labels, 5),
      macroF1: macroF1(perClass),
      expectedCalibrationError: expectedCalibrationError(scores, test.labels),
      knn: await nearestNeighbourAccuracy(asEmbedding(train), asEmbedding(test), {
        ks: input.params.neighbours,
        classes: classes.length,
        onProgress,
      }),
      perClass,
      confusion,
      mostConfused: mostConfused(confusion, 5).map(({ a, b, count }) => ({
        a: classes[a] ?? '',
        b: classes[b] ?? '',
        count,
      })),
      geometry: measureGeometry(asEmbedding(test)),
      encoderDigest,
    };
  });
  const ref = await writeArtifact(context.store, {
    kind: 'evaluation',
    about: { classifier: input.classifier, encoder: input.encoder, dataset: input.dataset },
    files: [{ path: evaluationFile, content: jsonBytes(evaluation) }],
  });
  const { top1, top5, macroF1: f1, knn } = evaluation;
  return { evaluation: { ...ref, kind: 'evaluation' }, top1, top5, macroF1: f1, knn: knn[0]?.accuracy ?? 0 };
}

async function openClassifier(input: EvaluateInput, { store }: JobContext): Promise<LinearClassifier> {
  const about = classifierAboutSchema.parse((await readArtifact(store, input.classifier)).about);
  if (canonicalJson(about.encoder) !== canonicalJson(input.encoder))
    throw new ContrailError(
      'InvalidInput',
      'The classifier was trained on another encoder. Evaluate it with the one that its probe step used.',
    );
  const { tensors } = decodeSafetensors(
    await readArtifactFile(store, input.classifier, classifierFile),
    classifierFile,
  );
  const [kernel, bias] = [tensors.get('kernel'), tensors.get('bias')];
  if (!kernel || !bias)
    throw new ContrailError('CorruptArtifact', `The classifier ${input.classifier.digest} lacks kernel or bias.`);
  return { kernel: float32(kernel), bias: float32(bias) };
}

const asEmbedding = ({ features, ...rest }: LabelledFeatures): Embedding & { labels: Int32Array } => ({
  values: features,
  ...rest,
});

/** Rows are spread evenly over the test set, which may be sorted by class. */
function measureGeometry(test: Embedding & { labels: Int32Array }): Evaluation['geometry'] {
  const count = Math.min(geometryImages, test.count);
  const rows = Array.from({ length: count }, (_, index) => Math.floor((index * test.count) / count));
  const values = new Float64Array(count * test.dimension);
  rows.forEach((row, index) => {
    values.set(test.values.subarray(row * test.dimension, (row + 1) * test.dimension), index * test.dimension);
  });
  const sample = { values, count, dimension: test.dimension };
  const labels = Int32Array.from(rows, (row) => test.labels[row] ?? 0);
  const { recallAt, mapAtR } = retrieval(sample, labels, [1]);
  return {
    images: count,
    alignment: alignment(sample, labels),
    uniformity: uniformity(sample),
    ...classDistances(sample, labels),
    silhouette: silhouette(sample, labels, 'cosine'),
    recallAt1: recallAt['1'] ?? 0,
    mapAtR,
  };
}
