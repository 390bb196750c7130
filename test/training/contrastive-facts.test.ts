import { describe, expect, it } from 'vitest';
import { lossSchema } from '../../contracts/training.ts';
import { batchPlan } from '../../datasets/index.ts';
import { collapsedLoss, shareWithoutPositives } from '../../training/contrastive-facts.ts';
import { supconLoss } from '../../training/losses/supcon.ts';
import { tf } from '../../training/tensorflow.ts';

describe('the loss of a collapse', () => {
  for (const scale of ['none', 'temperature', 'base'] as const)
    it(`is what SupCon gives for equal projections, scaled by ${scale}`, () => {
      const loss = lossSchema.parse({ supcon: { temperature: 0.1, scale } });
      const equal = tf.ones([12, 4]) as Parameters<typeof supconLoss>[0];
      const classes = tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], 'int32');
      expect(collapsedLoss(loss, 12)).toBeCloseTo(supconLoss(equal, classes, loss.supcon).dataSync()[0] ?? 0, 4);
    });
});

describe('the share of batches without positives', () => {
  it('is none where a batch has more images than there are classes', () => {
    expect(shareWithoutPositives([10, 10, 10], 4)).toBe(0);
  });

  it('is that of the batches that are drawn', () => {
    const perClass = [30, 20, 40, 10, 50, 25];
    const labels = perClass.flatMap((count, label) => Array<number>(count).fill(label));
    let without = 0;
    let all = 0;
    for (let epoch = 1; epoch <= 200; epoch++) {
      const { steps, indices } = batchPlan({ count: labels.length, batch: 3, seed: 1, epoch });
      for (let step = 0; step < steps; step++, all++)
        if (new Set([...indices(step)].map((row) => labels[row])).size === 3) without++;
    }
    expect(shareWithoutPositives(perClass, 3)).toBeCloseTo(without / all, 1);
    expect(Math.abs(shareWithoutPositives(perClass, 3) - without / all)).toBeLessThan(0.01);
  });
});
