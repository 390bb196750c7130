import { type Embedding, rowsOf } from '../embedding.ts';
import { visitNearestOf } from './nearest.ts';
import type { Turn } from './turns.ts';

const neighbours = 20;
/** Votes weigh exp(cosine / temperature), as those of nearest-neighbour accuracy (arXiv:1805.01978). */
const temperature = 0.07;

/** What the nearest images of some images are labelled, over several embeddings. */
export interface NeighbourVotes {
  /** Counts the votes for some rows of an embedding; each row has one vote in all, which its neighbours share. */
  readonly add: (embedding: Embedding, labels: Int32Array, rows: Int32Array, turn: Turn) => Promise<void>;
  /** The class with most votes for a row, the lowest of several, and its share; null where none was counted. */
  readonly winnerFor: (row: number) => { readonly label: number; readonly share: number } | null;
}

/** Votes are kept for the rows that are asked about only, of the classes that occur among their neighbours. */
export function neighbourVotes(): NeighbourVotes {
  const votes = new Map<number, Map<number, number>>();
  return {
    add: async (embedding, labels, rows, turn) => {
      let done = 0;
      await visitNearestOf(
        rowsOf(embedding, rows),
        embedding,
        neighbours + 1,
        (query, near, cosines) => {
          const row = rows[query] as number;
          const own = weightsOf(row, near, cosines, labels);
          const total = [...own.values()].reduce((sum, weight) => sum + weight, 0);
          const counted = votes.get(row) ?? new Map<number, number>();
          for (const [label, weight] of own) counted.set(label, (counted.get(label) ?? 0) + weight / total);
          votes.set(row, counted);
          done++;
        },
        () => turn(done, rows.length),
      );
    },
    winnerFor: (row) => {
      const counted = votes.get(row);
      if (!counted) return null;
      let [label, most, total] = [-1, 0, 0];
      for (const [each, weight] of [...counted].sort(([a], [b]) => a - b)) {
        if (weight > most) [label, most] = [each, weight];
        total += weight;
      }
      return { label, share: most / total };
    },
  };
}

/** The weight of each class among the nearest of a row, which is itself among them, or not where it has many copies. */
function weightsOf(
  row: number,
  near: Int32Array,
  cosines: Float32Array,
  labels: Int32Array,
): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  let counted = 0;
  for (const [place, other] of near.entries()) {
    if (other === row || counted === neighbours) continue;
    const label = labels[other] as number;
    weights.set(label, (weights.get(label) ?? 0) + Math.exp(((cosines[place] as number) - 1) / temperature));
    counted++;
  }
  return weights;
}
