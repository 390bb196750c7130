import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { predictionsFile } from '../../contracts/evaluation.ts';
import { decodeSafetensors, float32, int32, readArtifact, readArtifactFile, type Store } from '../../store/index.ts';

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
}

/**
 * The answers that an evaluation keeps.
 *
 * @returns null where it is of a version that kept none
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function imageAnswers(store: Store, evaluation: ArtifactRef): Promise<ImageAnswers | null> {
  const { files } = await readArtifact(store, evaluation);
  if (!files.some(({ path }) => path === predictionsFile)) return null;
  const { tensors } = decodeSafetensors(await readArtifactFile(store, evaluation, predictionsFile), predictionsFile);
  const [labels, predicted, confidence, rank, neighbours, probabilities] = [
    'labels',
    'predicted',
    'confidence',
    'rank',
    'neighbours',
    'probabilities',
  ].map((name) => tensors.get(name));
  if (!labels) return null;
  if (predicted && confidence && rank)
    return {
      labels: int32(labels),
      predicted: int32(predicted),
      confidence: float32(confidence),
      rank: int32(rank),
      neighbours: neighbours ? int32(neighbours) : null,
    };
  // Earlier versions kept the probabilities alone.
  return probabilities ? fromProbabilities(float32(probabilities), int32(labels), probabilities.shape[1] ?? 1) : null;
}

function fromProbabilities(values: Float32Array, labels: Int32Array, classes: number): ImageAnswers {
  const predicted = new Int32Array(labels.length);
  const confidence = new Float32Array(labels.length);
  const rank = new Int32Array(labels.length);
  labels.forEach((truth, row) => {
    const own = values.subarray(row * classes, (row + 1) * classes);
    const best = own.reduce((most, share, label) => (share > (own[most] ?? 0) ? label : most), 0);
    const share = own[truth] ?? 0;
    predicted[row] = best;
    confidence[row] = own[best] ?? 0;
    rank[row] = own.reduce(
      (ahead, other, label) => ahead + Number(other > share || (other === share && label < truth)),
      0,
    );
  });
  return { labels, predicted, confidence, rank, neighbours: null };
}
