import { type Tensor2D, tf } from '../training/index.ts';
import { type Embedding, unitRows } from './embedding.ts';

/**
 * For each query the nearest of a gallery by cosine. Queries are compared some at a time, so that memory does not grow with queries
 * times gallery.
 *
 * @param gallery rows of length 1; of no more than these `k` are given
 * @param block queries at a time
 * @param visit is given a query, and the gallery's rows that are nearest with their cosines, the nearest first
 * @param turn is told how many queries have been visited, and lets others have their turn; may throw to stop
 */
export async function visitNearest(
  { values, count, dimension }: Embedding,
  gallery: Tensor2D,
  { k, block }: { readonly k: number; readonly block: number },
  visit: (query: number, rows: Int32Array, cosines: Float32Array) => void,
  turn: (done: number) => Promise<void>,
): Promise<void> {
  const most = Math.min(k, gallery.shape[0]);
  for (let start = 0; start < count; start += block) {
    const size = Math.min(block, count - start);
    const own = values.subarray(start * dimension, (start + size) * dimension);
    // Read outside of `tidy`, which would look through all values for tensors.
    const top = tf.tidy(() =>
      tf.topk(tf.matMul(unitRows({ values: own, count: size, dimension }), gallery, false, true), most, true),
    );
    const [cosines, rows] = [top.values.dataSync<'float32'>(), top.indices.dataSync<'int32'>()];
    tf.dispose([top.values, top.indices]);
    for (let at = 0; at < size; at++)
      visit(start + at, rows.subarray(at * most, (at + 1) * most), cosines.subarray(at * most, (at + 1) * most));
    await turn(start + size);
  }
}

/** The nearest row of a gallery to each of some images. */
export interface Nearest {
  /** Its cosine; 0 where the gallery is empty. */
  readonly scores: Float64Array;
  /** Its place in the gallery; -1 where that is empty. */
  readonly places: Int32Array;
}

/** As `visitNearest`, of the nearest alone. */
export async function nearestOf(
  images: Embedding,
  gallery: Tensor2D,
  block: number,
  turn: (done: number) => Promise<void>,
): Promise<Nearest> {
  const [scores, places] = [new Float64Array(images.count), new Int32Array(images.count)];
  await visitNearest(
    images,
    gallery,
    { k: 1, block },
    (at, [place = -1], [cosine = 0]) => {
      scores[at] = cosine;
      places[at] = place;
    },
    turn,
  );
  return { scores, places };
}

/** Queries of which the similarities to a whole gallery are in memory at a time: as many as fit, at most `largest`. */
export const queriesAtOnce = (
  gallery: number,
  { largest, values }: { readonly largest: number; readonly values: number },
) => Math.max(1, Math.min(largest, Math.floor(values / gallery)));
