import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { predictionsFile } from '../../contracts/evaluation.ts';
import { float32, int32, type Store, tensorsIfKept } from '../../store/index.ts';
import { answersOf } from '../metrics/classification.ts';

/** What was said of each test image, in the order of the split. */
export interface ImageAnswers {
  readonly labels: Int32Array;
  readonly predicted: Int32Array;
  /** The probability of that class. */
  readonly confidence: ArrayLike<number>;
  /** How many classes stand before the true one. */
  readonly rank: Int32Array;
  /** What nearest neighbours say; null where an earlier version did not keep it. */
  readonly neighbours: Int32Array | null;
  /** Whether the measures are without an image, because it leaks. */
  readonly isLeftOut: (row: number) => boolean;
}

/**
 * The answers that an evaluation keeps.
 *
 * @returns null where it is of a version that kept none, or they were removed because an image was forgotten
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function imageAnswers(store: Store, evaluation: ArtifactRef): Promise<ImageAnswers | null> {
  const tensors = await tensorsIfKept(store, evaluation, predictionsFile);
  if (!tensors) return null;
  const [labels, predicted, confidence, rank, neighbours, probabilities, leftOut] = [
    'labels',
    'predicted',
    'confidence',
    'rank',
    'neighbours',
    'probabilities',
    'leftOut',
  ].map((name) => tensors.get(name));
  if (!labels) return null;
  const codes = leftOut ? int32(leftOut) : null;
  const isLeftOut = (row: number) => (codes?.[row] ?? 0) !== 0;
  if (predicted && confidence && rank)
    return {
      isLeftOut,
      labels: int32(labels),
      predicted: int32(predicted),
      confidence: float32(confidence),
      rank: int32(rank),
      neighbours: neighbours ? int32(neighbours) : null,
    };
  // Earlier versions kept the probabilities alone.
  if (!probabilities) return null;
  const truth = int32(labels);
  const scores = { values: float32(probabilities), count: truth.length, classes: probabilities.shape[1] ?? 1 };
  return { ...answersOf(scores, truth), labels: truth, neighbours: null, isLeftOut };
}
