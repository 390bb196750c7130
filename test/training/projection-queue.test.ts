import { expect, it } from 'vitest';
import { normalised } from '../../training/losses/pairs.ts';
import { createProjectionQueue } from '../../training/losses/projection-queue.ts';
import { supconLoss } from '../../training/losses/supcon.ts';
import { createVariables } from '../../training/parameters.ts';
import { type Tensor1D, tf } from '../../training/tensorflow.ts';

const config = { temperature: 0.1, scale: 'none' } as const;
const rows = (count: number, seed: number) =>
  Array.from({ length: count }, (_, row) => Array.from({ length: 3 }, (_, at) => Math.sin(seed + row * 3 + at)));

it('contrasts a batch with what is queued, and with no empty place', () => {
  const queue = createProjectionQueue({ ...config, queue: 5 }, 3);
  if (!queue) throw new Error('a queue was asked for');
  const variables = createVariables(queue.variables, 0);
  const batch = rows(4, 1);
  const labels = [0, 1, 0, 2];
  const loss = () =>
    supconLoss(tf.tensor2d(batch), tf.tensor1d(labels, 'int32'), config, queue.contents(variables)).dataSync()[0];
  const expected = (queued: number[][], queuedLabels: number[]) =>
    reference(
      [...batch, ...queued],
      [...labels, ...queuedLabels].map((label) => [label]),
      batch.length,
    );
  expect(loss()).toBeCloseTo(expected([], []), 4);

  const push = (made: number[][], classes: number[]) =>
    queue.push(variables, normalised(tf.tensor2d(made)), tf.tensor1d(classes, 'int32') as Tensor1D);
  push(rows(3, 20), [2, 0, 1]);
  expect(loss()).toBeCloseTo(expected(rows(3, 20), [2, 0, 1]), 4);

  push(rows(3, 40), [1, 1, 0]);
  expect(loss()).toBeCloseTo(expected([...rows(3, 40), ...rows(3, 20).slice(0, 2)], [1, 1, 0, 2, 0]), 4);
});

it('keeps several labels of what is queued, and knows an image without any from an empty place', () => {
  const queue = createProjectionQueue({ queue: 4 }, 3, 2);
  if (!queue) throw new Error('a queue was asked for');
  const variables = createVariables(queue.variables, 0);
  const batch = rows(3, 1);
  const labels = [
    [0, 1],
    [-1, 1],
    [-1, -1],
  ];
  const by = { ...config, positives: 'share' } as const;
  const loss = (of: number[][], labelled: number[][], queued?: ReturnType<typeof queue.contents>) =>
    supconLoss(tf.tensor2d(of), tf.tensor2d(labelled, undefined, 'int32'), by, queued).dataSync()[0] ?? Number.NaN;
  expect(loss(batch, labels, queue.contents(variables))).toBe(loss(batch, labels));

  const made = rows(2, 20);
  const ofMade = [
    [-1, -1],
    [0, 2],
  ];
  queue.push(variables, normalised(tf.tensor2d(made)), tf.tensor2d(ofMade, undefined, 'int32'));
  const { labels: kept, empty } = queue.contents(variables);
  expect([...kept.dataSync()]).toEqual([-1, -1, 0, 2, -2, -2, -2, -2]);
  expect([...empty.dataSync()]).toEqual([0, 0, 1, 1]);
  // The image without a label is in the denominator, and the anchors are those of the batch alone.
  expect(loss(batch, labels, queue.contents(variables))).toBeCloseTo(
    reference([...batch, ...made], [...labels, ...ofMade], batch.length),
    4,
  );
});

/**
 * The mean loss of the first so many rows, each pair weighted by the share of equal labels, term by term, in float64. With one
 * label of each row it is equation 2 of arXiv:2004.11362.
 */
function reference(all: number[][], labels: number[][], anchors: number): number {
  const unit = all.map((row) => row.map((value) => value / Math.hypot(...row)));
  const dot = (i: number, j: number) =>
    (unit[i] ?? []).reduce((sum, value, at) => sum + value * (unit[j]?.[at] ?? 0), 0) / 0.1;
  const shareOf = (i: number, j: number) =>
    (labels[i] ?? []).filter((label, at) => label >= 0 && label === labels[j]?.[at]).length / (labels[i]?.length ?? 0);
  const losses = Array.from({ length: anchors }, (_, i) => i).flatMap((i) => {
    const others = all.map((_, j) => j).filter((j) => j !== i);
    const total = others.reduce((sum, j) => sum + shareOf(i, j), 0);
    const denominator = others.reduce((sum, j) => sum + Math.exp(dot(i, j)), 0);
    const logs = others.reduce((sum, j) => sum + shareOf(i, j) * (dot(i, j) - Math.log(denominator)), 0);
    return total > 0 ? [-logs / total] : [];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
