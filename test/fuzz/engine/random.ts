import { randomUint32 } from '../../../datasets/random.ts';

/** Draws one after the other; equal beginnings give equal draws. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  /** True in one of so many cases. */
  readonly oneIn: (cases: number) => boolean;
  /** One of a list, which must not be empty. */
  readonly pick: <T>(list: readonly T[]) => T;
}

/** The draws of one input: they follow from the seed, the target and the number of the input. */
export function randomOf(seed: number, purpose: string, index: number): Random {
  let state = randomUint32(seed, `fuzz ${purpose}`, index);
  // SplitMix32 (Steele, Lea and Flood 2014, in its form of 32 bits).
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    oneIn: (cases) => below(cases) === 0,
    pick: <T>(list: readonly T[]) => list[below(list.length)] as T,
  };
}
