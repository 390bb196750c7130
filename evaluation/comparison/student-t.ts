import { logGamma } from '../metrics/gamma.ts';

/**
 * The quantile of Student's t distribution: where its cumulative distribution reaches a probability.
 *
 * @param probability above 0.5 and below 1
 * @param freedom degrees of freedom, from 1
 */
export function studentTQuantile(probability: number, freedom: number): number {
  const tail = 2 * (1 - probability);
  if (!(tail > 0 && tail < 1 && freedom >= 1))
    throw new RangeError(`there is no quantile ${probability} with ${freedom} degrees of freedom here`);
  // Both tails together have probability I_x(freedom / 2, 1 / 2) with x = freedom / (freedom + t^2), which falls with t.
  const beyond = (t: number) => regularisedBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  let [low, high] = [0, 1];
  while (beyond(high) > tail) [low, high] = [high, high * 2];
  // Halved until no number lies between.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2)
    if (beyond(middle) > tail) low = middle;
    else high = middle;
  return high;
}

/** I_x(a, b), by its continued fraction (DLMF 8.17.22) on the side where that converges fast. */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularisedBeta(1 - x, b, a);
  const scale = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  return scale / continuedFraction(x, a, b);
}

/** 1 + d1 / (1 + d2 / (1 + ...)), from its end: so many terms that what is left out is below rounding. */
function continuedFraction(x: number, a: number, b: number): number {
  let value = 1;
  for (let m = 200; m >= 1; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const n = m - 1;
    const odd = (-(a + n) * (a + b + n) * x) / ((a + 2 * n) * (a + 2 * n + 1));
    value = 1 + odd / (1 + even / value);
  }
  return value;
}
