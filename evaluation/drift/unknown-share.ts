import { logGamma } from '../metrics/gamma.ts';
import { shareInterval } from '../metrics/intervals.ts';
import { mostRefused, refusalThreshold, refusedBy } from '../metrics/open-set.ts';

/**
 * Compares how many recent images are unknown with how many held-out ones are.
 *
 * The threshold is a score of a held-out image itself, so where both sides are drawn alike the number of recent images below it
 * follows a beta-binomial distribution, whatever the scores are: the test is exact, also with few images.
 *
 * @param recent similarity of each recent image to its nearest known image
 * @param heldOut the same of images that are known to be like the training
 * @param refusals share of the held-out images that may be called unknown
 */
export function testUnknown(recent: Float64Array, heldOut: Float64Array, refusals: number) {
  const threshold = refusalThreshold(heldOut, refusals) ?? 0;
  const images = recent.filter((score) => score < threshold).length;
  const below = mostRefused(heldOut.length, refusals);
  return {
    threshold,
    images,
    ...shareInterval(images, recent.length),
    expected: refusedBy(heldOut, threshold) ?? 0,
    p: betaBinomialTail(images, recent.length, below + 1, heldOut.length - below),
  };
}

/** The chance of at least `hits` of `n`, where the chance of a hit is itself drawn from the beta distribution of a and b. */
export function betaBinomialTail(hits: number, n: number, a: number, b: number): number {
  const logBeta = (x: number, y: number) => logGamma(x) + logGamma(y) - logGamma(x + y);
  let sum = 0;
  for (let k = hits; k <= n; k++) {
    const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
    sum += Math.exp(ways + logBeta(k + a, n - k + b) - logBeta(a, b));
  }
  return Math.min(1, sum);
}
