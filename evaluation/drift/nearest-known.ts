import { type Embedding, unitRows } from '../embedding.ts';
import { type Nearest, nearestOf, queriesAtOnce } from '../nearest.ts';

/** Images compared at a time, fewer with many known ones. */
const atOnce = { largest: 500, values: 8_000_000 };

/**
 * The nearest known image of each image of some sets.
 *
 * @param turn is told how many images have been looked at; may throw to stop
 */
export async function nearestKnown(
  known: Embedding,
  sets: readonly Embedding[],
  turn: (done: number, total: number) => Promise<void>,
): Promise<readonly Nearest[]> {
  const unit = unitRows(known);
  const total = sets.reduce((sum, { count }) => sum + count, 0);
  const found: Nearest[] = [];
  let before = 0;
  try {
    for (const images of sets) {
      const block = queriesAtOnce(known.count, atOnce);
      found.push(await nearestOf(images, unit, block, (done) => turn(before + done, total)));
      before += images.count;
    }
  } finally {
    unit.dispose();
  }
  return found;
}
