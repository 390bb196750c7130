/** Temperature scaling finds the temperature that was there, and is not certain of what few images show. */
import { describe, expect, it } from 'vitest';
import { randomUint32 } from '../../datasets/index.ts';
import { fitTemperature } from '../../evaluation/metrics/temperature.ts';

const uniform = (...path: number[]) => (randomUint32(5, 'temperature', ...path) + 0.5) / 2 ** 32;

/** Images whose classes are drawn from the softmax of logits; what is given are these logits times `sharper`. */
function drawn(images: number, classes: number, sharper: number) {
  const logits = Float64Array.from({ length: images * classes }, (_, at) => 3 * Math.log(uniform(at)));
  const labels = Int32Array.from({ length: images }, (_, row) => {
    const own = [...logits.subarray(row * classes, (row + 1) * classes)].map(Math.exp);
    let left = uniform(row, 1) * own.reduce((a, b) => a + b, 0);
    const found = own.findIndex((weight) => {
      left -= weight;
      return left <= 0;
    });
    return found < 0 ? classes - 1 : found;
  });
  return { logits: logits.map((value) => value * sharper), labels, classes };
}

describe('temperature scaling', () => {
  it.each([0.4, 1, 2.5])('of logits that were multiplied by %d finds that number', async (sharper) => {
    const found = await fitTemperature(drawn(20_000, 7, sharper));
    expect((found?.temperature ?? 0) / sharper).toBeGreaterThan(0.95);
    expect((found?.temperature ?? 0) / sharper).toBeLessThan(1.05);
  });

  it('never makes the likelihood worse, and agrees with a search over a grid', async () => {
    const data = drawn(3000, 5, 4);
    const { logits, labels, classes } = data;
    const lossAt = (temperature: number) => {
      let sum = 0;
      for (let row = 0; row < labels.length; row++) {
        const own = [...logits.subarray(row * classes, (row + 1) * classes)].map((value) => value / temperature);
        const most = Math.max(...own);
        sum += most + Math.log(own.reduce((all, value) => all + Math.exp(value - most), 0));
        sum -= own[labels[row] ?? 0] ?? Number.NaN;
      }
      return sum / labels.length;
    };
    const found = await fitTemperature(data);
    const { before = 0, after = 0 } = found?.negativeLogLikelihood ?? {};
    expect(before).toBeCloseTo(lossAt(1), 10);
    expect(after).toBeLessThan(before);
    const grid = Array.from({ length: 400 }, (_, at) => lossAt(0.05 * (at + 1)));
    expect(after).toBeLessThan(Math.min(...grid) + 1e-3);
  });

  it('is not certain of a classifier that makes no mistake on 20 images', async () => {
    const labels = Int32Array.from({ length: 20 }, (_, at) => at % 3);
    const logits = Float64Array.from({ length: 60 }, (_, at) => (labels[Math.floor(at / 3)] === at % 3 ? 5 : 0));
    const found = await fitTemperature({ logits, labels, classes: 3 });
    const confidence = 1 / (1 + 2 * Math.exp(-5 / (found?.temperature ?? 0)));
    expect(confidence).toBeCloseTo(1 - 1 / 22, 3);
  });

  it('needs images', async () =>
    expect(await fitTemperature({ logits: new Float64Array(), labels: new Int32Array(), classes: 3 })).toBeNull());

  it('stops where it is asked to', () =>
    expect(
      fitTemperature(drawn(10, 3, 1), (done) => {
        if (done === 3) throw new Error('asked');
      }),
    ).rejects.toThrow('asked'));
});
