import { tf } from '../../training/index.ts';
import { type Embedding, unitRows } from '../embedding.ts';
import { queriesAtOnce, visitNearest } from '../nearest.ts';

/** Images compared at a time, fewer with many known ones. */
const atOnce = { largest: 500, values: 8_000_000 };

/** The nearest known image of each of some images. */
export interface NearestKnown {
  /** Its cosine. */
  readonly scores: Float64Array;
  /** Its place among the known ones. */
  readonly places: Int32Array;
}

/** @param turn is told how many images have been looked at; may throw to stop */
export async function nearestKnown(
  known: Embedding,
  sets: readonly Embedding[],
  turn: (done: number, total: number) => Promise<void>,
): Promise<readonly NearestKnown[]> {
  const unit = unitRows(known);
  const total = sets.reduce((sum, { count }) => sum + count, 0);
  const found: NearestKnown[] = [];
  let before = 0;
  try {
    for (const images of sets) {
      const [scores, places] = [new Float64Array(images.count), new Int32Array(images.count)];
      await visitNearest(
        images,
        unit,
        { k: 1, block: queriesAtOnce(known.count, atOnce) },
        (at, [place = 0], [cosine = 0]) => {
          scores[at] = cosine;
          places[at] = place;
        },
        (done) => turn(before + done, total),
      );
      before += images.count;
      found.push({ scores, places });
    }
  } finally {
    tf.dispose(unit);
  }
  return found;
}
