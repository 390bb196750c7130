import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderAboutSchema } from '../contracts/encoder.ts';
import type { Evaluation } from '../contracts/evaluation.ts';
import { digestsIfKept, isKnown, knownImages } from '../datasets/index.ts';
import { readAbout, type Store } from '../store/index.ts';
import {
  type Answers,
  accuracyOf,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  topKAccuracy,
} from './metrics/classification.ts';

/**
 * Rows of the test split whose image is also among those that encoder or classifier were trained on: the same file, or
 * another that shows the same once prepared.
 *
 * @param classifierDataset what the classifier was trained on
 * @returns null where a data set does not tell
 */
export async function copiesOfTraining(
  store: Store,
  {
    dataset,
    encoder,
    classifierDataset,
  }: { readonly dataset: ArtifactRef; readonly encoder: ArtifactRef; readonly classifierDataset: ArtifactRef },
): Promise<ReadonlySet<number> | null> {
  const { dataset: digest } = await readAbout(store, encoder, encoderAboutSchema);
  const trainedOn = await knownImages(store, [{ kind: 'dataset', digest }, classifierDataset], ['train']);
  const test = await digestsIfKept(store, dataset, 'test');
  if (!trainedOn || !test) return null;
  return new Set(test.source.flatMap((_, row) => (isKnown(trainedOn, test, row) ? [row] : [])));
}

/** What is measured on the test images that are no copies. */
export function withoutCopies(
  copies: ReadonlySet<number>,
  {
    answers,
    neighbours,
    labels,
    classes,
  }: {
    readonly answers: Answers;
    /** The class that the nearest neighbours say. */
    readonly neighbours: Int32Array;
    readonly labels: Int32Array;
    readonly classes: number;
  },
): NonNullable<Evaluation['copies']> {
  const rest = <T extends Int32Array>(values: T) => values.filter((_, row) => !copies.has(row));
  const [own, predicted, rank] = [rest(labels), rest(answers.predicted), rest(answers.rank)];
  return {
    images: copies.size,
    top1: topKAccuracy({ rank }, 1),
    top5: classes > 5 ? topKAccuracy({ rank }, 5) : null,
    macroF1: macroF1(perClassMetrics(confusionMatrix(own, predicted, classes))),
    knn: accuracyOf(rest(neighbours), own),
  };
}
