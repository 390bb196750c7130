import { tf } from '../../training/index.ts';
import { type Embedding, unitRows } from '../embedding.ts';

/** Similarities that are in memory at a time, and rows at most. */
const blockValues = 8_000_000;
const largestBlock = 256;

/**
 * For each query the `k` nearest of a gallery by cosine, in blocks, so that memory does not grow with queries times gallery.
 *
 * @param visit is given a query, and the gallery's rows that are nearest with their cosines, the nearest first
 */
export async function visitNearest(
  queries: Embedding,
  gallery: Embedding,
  k: number,
  visit: (query: number, rows: Int32Array, cosines: Float32Array) => void,
  turn: () => Promise<void>,
): Promise<void> {
  if (queries.count === 0 || gallery.count === 0) return;
  const most = Math.min(k, gallery.count);
  const [from, to] = [unitRows(queries), unitRows(gallery)];
  const block = Math.max(1, Math.min(largestBlock, Math.floor(blockValues / gallery.count)));
  try {
    for (let start = 0; start < queries.count; start += block) {
      const size = Math.min(block, queries.count - start);
      const top = tf.tidy(() =>
        tf.topk(tf.matMul(tf.slice(from, [start, 0], [size, -1]), to, false, true), most, true),
      );
      const [cosines, rows] = [top.values.dataSync<'float32'>(), top.indices.dataSync<'int32'>()];
      tf.dispose([top.values, top.indices]);
      for (let at = 0; at < size; at++)
        visit(start + at, rows.subarray(at * most, (at + 1) * most), cosines.subarray(at * most, (at + 1) * most));
      await turn();
    }
  } finally {
    tf.dispose([from, to]);
  }
}
