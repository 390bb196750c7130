import { permutation, randomUint32, rowsByClass } from '../../datasets/index.ts';

/**
 * Divides images into folds so that each class is in all of them alike, as far as it has images. It follows from the seed and, for
 * each class, its number and how many images it has; nothing else.
 *
 * @returns of each image its fold; -1 for images that are alone in their class
 */
export function foldsOf(labels: Int32Array, folds: number, seed: number): Int8Array {
  const foldOf = new Int8Array(labels.length).fill(-1);
  for (const [label, rows] of rowsByClass(labels)) {
    if (rows.length < 2) continue;
    // Classes of few images would else all be in the first folds.
    const first = randomUint32(seed, 'first fold of a class', label) % folds;
    permutation(rows.length, seed, 'folds', label).forEach((place, at) => {
      foldOf[rows[place] as number] = (first + at) % folds;
    });
  }
  return foldOf;
}
