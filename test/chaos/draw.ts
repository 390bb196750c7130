import { randomUint32 } from '../../datasets/random.ts';

/** Draws that are a function of a seed, of what they are for, and of nothing else. */
export interface Draw {
  /** A whole number from 0 to less than `count`. */
  readonly below: (purpose: string, count: number) => number;
  /** A whole number from `least` to `most`. */
  readonly between: (purpose: string, least: number, most: number) => number;
  readonly oneOf: <T>(purpose: string, of: readonly T[]) => T;
  /** Draws of their own, for one of many. */
  readonly of: (counter: number) => Draw;
}

export function drawOf(seed: number, ...counters: readonly number[]): Draw {
  const below = (purpose: string, count: number) =>
    Math.floor((randomUint32(seed, purpose, ...counters) / 2 ** 32) * count);
  return {
    below,
    between: (purpose, least, most) => least + below(purpose, most - least + 1),
    oneOf: <T>(purpose: string, of: readonly T[]) => of[below(purpose, of.length)] as T,
    of: (counter) => drawOf(seed, ...counters, counter),
  };
}
