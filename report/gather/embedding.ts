import { PCA } from 'ml-pca';
import { UMAP } from 'umap-js';
import { unitLength } from '../../contracts/unit-length.ts';
import { randomDraws } from '../../datasets/random.ts';

export type Place = [number, number];
/** Components that UMAP is given: it looks at distances, and the rest is noise that costs time. */
const umapInput = 30;
const umapEpochs = 200;
const umapNeighbours = 15;

/** Rows of a matrix, each scaled to length 1, so that a product of two is their cosine. */
export function unitRows(matrix: Float32Array, dimension: number): Float32Array[] {
  const unit = unitLength(matrix, dimension);
  return Array.from({ length: matrix.length / dimension }, (_, row) =>
    unit.subarray(row * dimension, (row + 1) * dimension),
  );
}

/** Of each row, the `k` others with the highest cosine, the highest first; of equals the earlier. */
export function nearest(rows: readonly Float32Array[], k: number): number[][] {
  return rows.map((row, self) => {
    const found: { other: number; cosine: number }[] = [];
    for (const [other, vector] of rows.entries()) {
      if (other === self) continue;
      let cosine = 0;
      for (let at = 0; at < row.length; at++) cosine += (row[at] as number) * (vector[at] as number);
      const last = found.at(-1);
      if (found.length === k && last && cosine <= last.cosine) continue;
      const place = found.findIndex((each) => each.cosine < cosine);
      found.splice(place < 0 ? found.length : place, 0, { other, cosine });
      if (found.length > k) found.pop();
    }
    return found.map(({ other }) => other);
  });
}

/**
 * Places in the plane by principal components and by UMAP. The same rows and seed give the same places.
 *
 * @param rows of equal length, two at least
 * @param onProgress called with the share of UMAP that is done; other work gets its turn before each call
 * @returns `umap` is null for too few rows to have neighbours
 */
export async function project(
  rows: readonly Float32Array[],
  seed: number,
  onProgress: (share: number) => void = () => {},
): Promise<{ readonly pca: Place[]; readonly umap: Place[] | null }> {
  const reduced = principalComponents(rows.map((row) => Array.from(row)));
  const pca = reduced.map(firstTwo);
  if (rows.length <= umapNeighbours + 1) return { pca, umap: null };
  const draw = randomDraws(seed, 'umap');
  let draws = 0;
  const umap = new UMAP({
    nNeighbors: umapNeighbours,
    minDist: 0.15,
    nEpochs: umapEpochs,
    random: () => draw(draws++) / 2 ** 32,
  });
  umap.initializeFit(reduced);
  for (let done = 1; done <= umapEpochs; done++) {
    umap.step();
    if (done % 10 > 0) continue;
    await new Promise(setImmediate);
    onProgress(done / umapEpochs);
  }
  return { pca, umap: umap.getEmbedding().map(firstTwo) };
}

/** Rows by their first components, which are fewer where there are few rows or numbers. */
function principalComponents(matrix: number[][]): number[][] {
  const components = Math.min(umapInput, matrix[0]?.length ?? 0, matrix.length);
  if (components < 2) return matrix;
  return new PCA(matrix, { method: 'covarianceMatrix' }).predict(matrix, { nComponents: components }).to2DArray();
}

const round = (value: number | undefined) => Number((value ?? 0).toFixed(4));
const firstTwo = ([x, y]: readonly number[]): Place => [round(x), round(y)];
