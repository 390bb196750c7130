/**
 * Stateless random numbers: every draw is a function of (seed, purpose, counters) and nothing else. So nothing random has
 * to be saved, and a resumed run draws what the uninterrupted one would have drawn.
 */

/** The 32-bit finaliser of MurmurHash3: every input bit flips every output bit with probability one half. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over the text's UTF-8 bytes. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Folds a counter into a key: `randomUint32` of the key's seed, purpose and counters, and of this counter after them. */
export const fold = (key: number, counter: number): number =>
  mix(Math.imul(key, 0x9e3779b1) + mix(counter + 0x7f4a7c15));

/** A uniform draw from 0 to 2^32 - 1. */
export function randomUint32(seed: number, purpose: string, ...counters: readonly number[]): number {
  return counters.reduce(fold, mix(seed ^ hashText(purpose)));
}

/** Draws as `randomUint32` gives them, by their last counter; for many draws that share the rest. */
export function randomDraws(
  seed: number,
  purpose: string,
  ...counters: readonly number[]
): (counter: number) => number {
  const key = randomUint32(seed, purpose, ...counters);
  return (counter) => fold(key, counter);
}

/** A seed for one of TensorFlow's stateless random operations: two int32. */
export function seedPair(seed: number, purpose: string, ...counters: readonly number[]): [number, number] {
  return [randomUint32(seed, purpose, ...counters, 0) | 0, randomUint32(seed, purpose, ...counters, 1) | 0];
}

/** The numbers 0 to n - 1 in random order (Fisher and Yates), all orders equally likely up to the draws' 32 bits. */
export function permutation(n: number, seed: number, purpose: string, ...counters: readonly number[]): Int32Array {
  const order = Int32Array.from({ length: n }, (_, index) => index);
  const key = randomUint32(seed, purpose, ...counters);
  for (let last = n - 1; last > 0; last--) {
    const other = below(last + 1, key, last);
    const held = order[last] as number;
    order[last] = order[other] as number;
    order[other] = held;
  }
  return order;
}

/** A draw from 0 to bound - 1 without bias: draws past the last whole multiple of `bound` are thrown away. */
function below(bound: number, key: number, counter: number): number {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (let attempt = 0; ; attempt++) {
    const draw = fold(fold(key, counter), attempt);
    if (draw < limit) return draw % bound;
  }
}
