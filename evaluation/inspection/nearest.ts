import { type Embedding, unitRows } from '../embedding.ts';
import { queriesAtOnce, visitNearest } from '../nearest.ts';

/** Queries compared at a time, fewer in a large gallery. */
const atOnce = { largest: 256, values: 8_000_000 };

/**
 * For each query the `k` nearest of a gallery by cosine.
 *
 * @param visit is given a query, and the gallery's rows that are nearest with their cosines, the nearest first
 */
export async function visitNearestOf(
  queries: Embedding,
  gallery: Embedding,
  k: number,
  visit: Parameters<typeof visitNearest>[3],
  turn: () => Promise<void>,
): Promise<void> {
  if (queries.count === 0 || gallery.count === 0) return;
  const unit = unitRows(gallery);
  try {
    await visitNearest(queries, unit, { k, block: queriesAtOnce(gallery.count, atOnce) }, visit, turn);
  } finally {
    unit.dispose();
  }
}
