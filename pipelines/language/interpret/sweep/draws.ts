import { textDigest } from '../../expressions/text-digest.ts';

/**
 * A number from 0 to 1, below it, that follows from a seed, a purpose and what it is drawn for. Nothing random is kept, so a replayed
 * history draws the same.
 */
export const uniform = (seed: number, purpose: string, ...of: readonly (string | number)[]): number =>
  Number.parseInt(textDigest(`${seed}/${purpose}/${of.join('/')}`), 16) / 2 ** 53;

/** A number of the normal distribution (Box and Muller), from the same. */
export function normal(seed: number, purpose: string, ...of: readonly (string | number)[]): number {
  // Never the logarithm of 0.
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, purpose, ...of, 'radius')));
  return radius * Math.cos(2 * Math.PI * uniform(seed, purpose, ...of, 'angle'));
}
