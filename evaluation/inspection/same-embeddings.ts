import type { Embedding } from '../embedding.ts';
import { keepBetter, noPartners, type Partners } from './duplicates.ts';
import type { Part } from './looks.ts';
import { visitNearestOf } from './nearest.ts';
import type { Turn } from './turns.ts';

/**
 * Images whose embeddings have at least a cosine: of each split the nearest. Every image is compared with every other, in blocks.
 *
 * @param embedding of the images of all parts, one after the other
 */
export async function sameEmbeddings(
  embedding: Embedding,
  parts: readonly Pick<Part, 'rows'>[],
  least: number,
  turn: Turn,
): Promise<Partners> {
  const { dimension, values, count } = embedding;
  const found = noPartners(count, parts.length);
  const starts = parts.map((_, at) => parts.slice(0, at).reduce((sum, { rows }) => sum + rows.length, 0));
  const partAt = (at: number): Embedding => {
    const [start, own] = [starts[at] as number, parts[at]?.rows.length ?? 0];
    return { values: values.subarray(start * dimension, (start + own) * dimension), count: own, dimension };
  };
  let done = 0;
  for (const queries of parts.keys())
    for (const split of parts.keys()) {
      const [from, to] = [starts[queries] as number, starts[split] as number];
      await visitNearestOf(
        partAt(queries),
        partAt(split),
        2,
        (query, rows, cosines) => {
          done += 1 / parts.length;
          const place = from + query === to + (rows[0] as number) ? 1 : 0;
          const [row, cosine] = [rows[place], cosines[place]];
          if (row === undefined || cosine === undefined || cosine < least || from + query === to + row) return;
          keepBetter(found, from + query, to + row, split, Math.min(1, cosine));
        },
        () => turn(Math.floor(done), count),
      );
    }
  return found;
}
