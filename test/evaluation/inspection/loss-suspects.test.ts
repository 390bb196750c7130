import { describe, expect, it } from 'vitest';
import { randomUint32 } from '../../../datasets/index.ts';
import { lossMargins } from '../../../evaluation/inspection/loss-margins.ts';
import { lowMargins } from '../../../evaluation/inspection/loss-suspects.ts';
import { neighbourVotes } from '../../../evaluation/inspection/neighbour-votes.ts';

const turn = async () => {};
const unit = (...key: number[]) => randomUint32(0, 'test', ...key) / 2 ** 32 - 0.5;

describe('the margin of a label', () => {
  const [count, dimension, temperature] = [40, 5, 0.1];
  // Classes 0, 3 and 7, and the last image alone in class 9.
  const labels = Int32Array.from({ length: count }, (_, row) =>
    row === count - 1 ? 9 : ([0, 3, 7][row % 3] as number),
  );
  const values = Float32Array.from({ length: count * dimension }, (_, at) => unit(at) + 0.2);

  /** Equation 2 of arXiv:2004.11362 for one anchor against all other rows, word for word, if the anchor had a label. */
  const lossAs = (row: number, label: number): number => {
    const vector = (of: number) => values.subarray(of * dimension, (of + 1) * dimension);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
    const similarity = (a: number, b: number) =>
      dot(vector(a), vector(b)) / Math.sqrt(dot(vector(a), vector(a)) * dot(vector(b), vector(b))) / temperature;
    const others = [...labels.keys()].filter((other) => other !== row);
    const denominator = others.reduce((sum, other) => sum + Math.exp(similarity(row, other)), 0);
    const positives = others.filter((other) => labels[other] === label);
    const logs = positives.map((other) => Math.log(Math.exp(similarity(row, other)) / denominator));
    return -logs.reduce((sum, each) => sum + each, 0) / positives.length;
  };

  it('is the difference of the supervised contrastive losses of the best other label and its own, by the temperature', async () => {
    const margins = await lossMargins({ values, count, dimension }, labels, turn);
    for (let row = 0; row < count - 1; row++) {
      const own = labels[row] as number;
      const others = [0, 3, 7, 9].filter((label) => label !== own).map((label) => lossAs(row, label));
      expect(margins[row]).toBeCloseTo(temperature * (Math.min(...others) - lossAs(row, own)), 5);
    }
  });

  it('is not a number where the class has no other image, or there is no other class', async () => {
    const all = await lossMargins({ values, count, dimension }, labels, turn);
    expect(all[count - 1]).toBeNaN();
    const one = await lossMargins({ values, count, dimension }, new Int32Array(count), turn);
    expect([...one].every(Number.isNaN)).toBe(true);
  });
});

describe('low margins', () => {
  const classOf = (label: number, margins: readonly number[]) => margins.map((margin) => ({ label, margin }));
  const judged = (...classes: readonly { readonly label: number; readonly margin: number }[][]) => {
    const images = classes.flat();
    return lowMargins(
      Float64Array.from(images, ({ margin }) => margin),
      Int32Array.from(images, ({ label }) => label),
    );
  };
  /** Twenty margins between two numbers, evenly. */
  const between = (low: number, high: number) => Array.from({ length: 20 }, (_, at) => low + ((high - low) * at) / 19);

  it('are negative, and far below the others of their own class', () => {
    const { found, judged: of } = judged(
      classOf(0, [...between(0.4, 0.6), -0.2, 0.01]),
      // Classes that are hard to tell apart: that another explains an image better is nothing special there.
      classOf(1, [...between(-0.1, 0.1), -0.15, -0.9]),
    );
    expect(found.map(({ row }) => row)).toEqual([43, 20]);
    expect(of).toBe(44);
    for (const { margin, limit } of found) expect(margin).toBeLessThan(limit);
  });

  it('are at most a fifth of a class', () => {
    const { found } = judged(classOf(0, [...between(0.49, 0.51), ...between(-0.6, -0.5).slice(0, 9)]));
    expect(found.map(({ row }) => row)).toEqual([20, 21, 22, 23, 24]);
  });

  it('are not told of classes of too few images', () => {
    const {
      found,
      leftOut,
      judged: of,
    } = judged(
      classOf(0, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, -0.9]),
      classOf(1, [Number.NaN]),
      classOf(2, between(0.1, 0.2)),
    );
    expect(found).toEqual([]);
    expect(leftOut).toEqual({ classes: 2, images: 8 });
    expect(of).toBe(20);
  });
});

describe('votes of neighbours', () => {
  // A row of class 1 among thirty of class 0, and thirty of class 1 elsewhere.
  const labels = Int32Array.from({ length: 61 }, (_, row) => (row < 30 ? 0 : 1));
  const values = Float32Array.from({ length: 61 * 3 }, (_, at) => {
    const [row, column] = [Math.floor(at / 3), at % 3];
    return (column === (row < 31 ? 0 : 1) ? 1 : 0) + 0.1 * unit(row, column);
  });
  const embedding = { values, count: 61, dimension: 3 };

  it('are for the class of those that are near, without the vote of the image itself', async () => {
    const votes = neighbourVotes();
    await votes.add(embedding, labels, Int32Array.of(30, 40), turn);
    expect(votes.winnerFor(30)).toEqual({ label: 0, share: 1 });
    expect(votes.winnerFor(40)).toEqual({ label: 1, share: 1 });
    expect(votes.winnerFor(0)).toBeNull();
  });

  it('of several embeddings count alike', async () => {
    const votes = neighbourVotes();
    await votes.add(embedding, labels, Int32Array.of(30), turn);
    const elsewhere = values.slice();
    elsewhere.set(values.subarray(40 * 3, 41 * 3), 30 * 3);
    for (let time = 0; time < 2; time++)
      await votes.add({ ...embedding, values: elsewhere }, labels, Int32Array.of(30), turn);
    const winner = votes.winnerFor(30);
    expect(winner?.label).toBe(1);
    expect(winner?.share).toBeCloseTo(2 / 3, 6);
  });
});
