import { permutation } from './random.ts';

/**
 * Which classes a balanced batch has. Classes are drawn in rounds: in a round each class is drawn once, so within an epoch no class is
 * in two batches more than another. What a round holds, and in which order, follows from (seed, epoch, round).
 */

/** Classes of one round, each once. */
interface Round {
  /** Sets that stay together; they are drawn first. */
  readonly sets: readonly (readonly number[])[];
  /** The other classes, which fill up sets. */
  readonly rest: readonly number[];
}

/** Gives sets of `size` different classes, one after the other. */
export type ClassSets = (
  classes: readonly number[],
  size: number,
  draw: { readonly seed: number; readonly epoch: number },
) => () => readonly number[];

/** Sets of classes at random. */
export const anySets: ClassSets = (classes, size, { seed, epoch }) =>
  setsOfRounds(size, (round) => ({ sets: [], rest: shuffled(classes, seed, 'classes of batches', epoch, round) }));

/**
 * Sets of classes of one category. The classes of a category that do not fill a set go together with those of others.
 *
 * @param categories of each class
 */
export const categorySets =
  (categories: readonly string[]): ClassSets =>
  (classes, size, { seed, epoch }) => {
    const names = [...new Set(classes.map((label) => categories[label] ?? ''))].sort();
    const members = names.map((name) => classes.filter((label) => (categories[label] ?? '') === name));
    return setsOfRounds(size, (round) => {
      const sets: number[][] = [];
      const rests: number[][] = [];
      for (const [index, all] of members.entries()) {
        const own = shuffled(all, seed, 'classes of a category', epoch, round, index);
        const whole = own.length - (own.length % size);
        for (let at = 0; at < whole; at += size) sets.push(own.slice(at, at + size));
        rests.push(own.slice(whole));
      }
      return {
        sets: shuffled(sets, seed, 'batches of categories', epoch, round),
        rest: shuffled(rests, seed, 'rests of categories', epoch, round).flat(),
      };
    });
  };

/**
 * Sets of a class, drawn at random, and the classes that are nearest to it of those that the round has not drawn yet; where none of
 * its neighbours is left, classes at random.
 *
 * @param nearest of each class, the nearest first; a class without is drawn as any other
 */
export const neighbourSets =
  (nearest: readonly (readonly number[])[]): ClassSets =>
  (classes, size, { seed, epoch }) =>
    setsOfRounds(size, (round) => {
      const order = shuffled(classes, seed, 'classes of batches', epoch, round);
      const left = new Set(order);
      const sets: number[][] = [];
      while (left.size >= size) {
        const [first = 0] = left;
        left.delete(first);
        const near = (nearest[first] ?? []).filter((label) => left.has(label));
        const set = [first, ...near.slice(0, size - 1)];
        for (const label of set) left.delete(label);
        for (const label of left) {
          if (set.length === size) break;
          set.push(label);
          left.delete(label);
        }
        sets.push(set);
      }
      return { sets, rest: [...left] };
    });

/** What is left of a round opens the set that the next round fills up; a class that is in the set already waits for the following one. */
function setsOfRounds(size: number, roundOf: (round: number) => Round): () => readonly number[] {
  let round = 0;
  let sets: (readonly number[])[] = [];
  let rest: readonly number[] = [];
  const take = (): readonly number[] => {
    const whole = sets.shift();
    if (whole) return whole;
    const left = rest.slice(0, size);
    rest = rest.slice(size);
    if (left.length === size) return left;
    const next = roundOf(round++);
    if (left.length === 0) {
      sets = [...next.sets];
      rest = next.rest;
      return take();
    }
    const inSet = new Set(left);
    const fill = [...next.rest, ...next.sets.flat()].filter((label) => !inSet.has(label)).slice(0, size - left.length);
    const taken = new Set(fill);
    const isBroken = (set: readonly number[]) => set.some((label) => taken.has(label));
    sets = next.sets.filter((set) => !isBroken(set));
    rest = [...next.sets.filter(isBroken).flat(), ...next.rest].filter((label) => !taken.has(label));
    return [...left, ...fill];
  };
  return take;
}

const shuffled = <T>(values: readonly T[], seed: number, purpose: string, ...counters: readonly number[]): T[] =>
  Array.from(permutation(values.length, seed, purpose, ...counters), (place) => values[place] as T);
