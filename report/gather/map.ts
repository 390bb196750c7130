import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { embeddingFile } from '../../contracts/evaluation.ts';
import type { EmbeddingMap } from '../../contracts/report.ts';
import { spreadRows } from '../../datasets/index.ts';
import { imageAnswers } from '../../evaluation/comparison/image-answers.ts';
import { decodeSafetensors, float32, int32, readArtifact, readArtifactFile, type Store } from '../../store/index.ts';
import { nearest, project, unitRows } from './embedding.ts';

/** Points of a map: more than these can be told apart neither by eye nor by pointer. */
const maximumPoints = 1000;
const neighbours = 8;

/** The map of an evaluation's embedding; null where the evaluation is of a version that kept none, or it was removed. */
export async function mapOf(
  store: Store,
  ref: ArtifactRef,
  seed: number,
  onProgress: (share: number) => void,
): Promise<EmbeddingMap | null> {
  const { files } = await readArtifact(store, ref);
  const answers = files.some(({ path }) => path === embeddingFile) ? await imageAnswers(store, ref) : null;
  if (!answers) return null;
  const kept = decodeSafetensors(await readArtifactFile(store, ref, embeddingFile)).tensors;
  const [rowsTensor, embedding] = [kept.get('rows'), kept.get('embedding')];
  if (!rowsTensor || !embedding) return null;
  const dimension = embedding.shape[1] ?? 1;
  const all = int32(rowsTensor);
  const vectors = unitRows(float32(embedding), dimension);
  const chosen = Array.from(spreadRows(all.length, maximumPoints));
  if (chosen.length < 3) return null;
  const units = chosen.map((index) => vectors[index] as Float32Array);
  const { pca, umap } = await project(units, seed, onProgress);
  const near = nearest(units, Math.min(neighbours, units.length - 1));
  const points = chosen.map((index, at) => {
    const row = all[index] as number;
    return {
      row,
      label: answers.labels[row] as number,
      predicted: answers.predicted[row] ?? null,
      confidence: Number((answers.confidence[row] ?? 0).toFixed(4)),
      pca: pca[at] as [number, number],
      umap: umap?.[at] ?? null,
      neighbours: near[at] ?? [],
    };
  });
  return { seed, points };
}
