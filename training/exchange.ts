import type { Later, Recorder } from './capture/index.ts';
import { type Tensor, tf } from './tensorflow.ts';

/** What each part of a batch has one of, of all parts: given that of the part, those of all, in their order. */
export type GatherParts = (ofPart: Tensor) => readonly Tensor[];

/**
 * Lets the parts of a batch, which are recorded one after the other, look at each other. Each part gathers as often as the others, so the
 * first of one goes with the first of the others, and so on. What a later part will have is promised to an earlier one.
 *
 * @param count of the parts
 */
export function createExchange(graph: Pick<Recorder, 'later'>, count: number) {
  const given = new Map<string, Tensor>();
  const promised = new Map<string, Later>();
  const kept: Tensor[] = [];
  const of = (key: string, like: Tensor): Tensor => {
    const known = given.get(key) ?? promised.get(key)?.value;
    if (known) return known;
    const later = graph.later(like.shape);
    kept.push(tf.keep(later.value));
    promised.set(key, later);
    return later.value;
  };
  return {
    /** For a part, by its number. */
    gatherOf: (part: number): GatherParts => {
      let turn = 0;
      return (ofPart) => {
        const at = turn++;
        // The values outlive the tidy of the operation that they come from.
        const own = tf.keep(tf.clone(ofPart));
        kept.push(own);
        given.set(`${part} ${at}`, own);
        promised.get(`${part} ${at}`)?.is(own);
        return Array.from({ length: count }, (_, other) => of(`${other} ${at}`, ofPart));
      };
    },
    dispose: () => {
      for (const tensor of kept) tensor.dispose();
    },
  };
}
