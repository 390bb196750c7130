import { randomUint32 } from '../datasets/random.ts';

/** The seed of this run of the tests; CONTRAIL_TEST_SEED repeats another's. */
export const testSeed = Number(process.env.CONTRAIL_TEST_SEED);
if (!Number.isSafeInteger(testSeed))
  throw new Error(`CONTRAIL_TEST_SEED is ${process.env.CONTRAIL_TEST_SEED}; it must be a whole number.`);

/**
 * A random number of milliseconds from `least` to `most`, a function of the seed and of what it is for. It is printed, so that
 * a failure can be had again.
 */
export function randomMoment(purpose: string, least: number, most: number): number {
  const ms = Math.round(least + ((most - least) * randomUint32(testSeed, purpose)) / 2 ** 32);
  console.log(`${purpose}: after ${ms} ms`);
  return ms;
}
