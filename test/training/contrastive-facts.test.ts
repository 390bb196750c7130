import { describe, expect, it } from 'vitest';
import { lossSchema } from '../../contracts/losses.ts';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { balancedBatchPlan, balancedShape, batchPlan, membersOfClasses } from '../../datasets/index.ts';
import { contrastiveFacts, shareWithoutPositives } from '../../training/contrastive-facts.ts';
import { collapsedLoss } from '../../training/losses/collapsed-loss.ts';
import { createProjectionLoss } from '../../training/losses/projection-loss.ts';
import { scalarValue } from '../../training/ops.ts';
import { type Tensor1D, type Tensor2D, tf } from '../../training/tensorflow.ts';

describe('the loss of a collapse', () => {
  const perClass = [30, 20, 40, 10, 50, 25];
  const classes = Int32Array.from(perClass.flatMap((count, label) => Array<number>(count).fill(label)));
  const [batch, views] = [8, 2];

  /** The mean loss of batches of equal projections, drawn as in training. */
  function mean(loss: ReturnType<typeof lossSchema.parse>, balanced: number | null, epochs: number): number {
    const of = createProjectionLoss(loss, { dimension: 4, classes: 6, labelColumns: null });
    const shape = balanced === null ? null : balancedShape(perClass, batch, balanced);
    let sum = 0;
    let drawn = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const plan = shape
        ? balancedBatchPlan(membersOfClasses(classes, 6), shape, { seed: 1, epoch })
        : batchPlan({ count: classes.length, batch, seed: 1, epoch });
      for (let step = 0; step < plan.steps; step++, drawn++) {
        const labels = [...plan.indices(step)].map((row) => classes[row] as number);
        sum += tf.tidy(() => {
          const rows = tf.ones([batch * views, 4]) as Tensor2D;
          return scalarValue(of.value(rows, tf.tensor1d([...labels, ...labels], 'int32') as Tensor1D, new Map()));
        });
      }
    }
    return sum / drawn;
  }

  it.each([
    { supcon: { temperature: 0.1 } },
    { supcon: { temperature: 0.1, scale: 'temperature' } },
    { supcon: { temperature: 0.1, scale: 'base' } },
    { supcon: { variant: 'in', hardNegatives: { beta: 1 } } },
    { nPairs: {} },
    { triplet: {} },
    { triplet: { margin: 'soft' } },
    { multiSimilarity: {} },
    { multiSimilarity: { alpha: 1, beta: 3, base: 0.2 } },
  ])('is what the loss gives for equal projections: %j', (settings) => {
    const loss = lossSchema.parse(settings);
    for (const balanced of [null, 4]) {
      const expected = collapsedLoss(loss, { batch, views, perClass, balanced }) ?? Number.NaN;
      // Only multi-similarity goes by how many images of a class a batch happens to have.
      const isDrawn = balanced === null && loss.multiSimilarity !== undefined;
      const found = mean(loss, balanced, isDrawn ? 12 : 1);
      expect(Math.abs(found / expected - 1)).toBeLessThan(isDrawn ? 0.005 : 1e-4);
    }
  });

  it('is the multi-similarity of whole classes where a batch has all images', () => {
    const loss = lossSchema.parse({ multiSimilarity: { alpha: 2, beta: 50, base: 0.5 } });
    const of = (positives: number, negatives: number) =>
      Math.log1p(positives * Math.exp(-1)) / 2 + Math.log1p(negatives * Math.exp(25)) / 50;
    expect(collapsedLoss(loss, { batch: 5, views: 1, perClass: [3, 2], balanced: null })).toBeCloseTo(
      (3 * of(2, 2) + 2 * of(1, 3)) / 5,
      10,
    );
  });

  it('is not known where class vectors are learned, and neither do pairs count there', () => {
    const factsOf = (loss: string) =>
      contrastiveFacts({ config: trainingConfigSchema.parse({ loss }), batch: 8, perClass: [20, 20] });
    expect(factsOf('arcFace')).toEqual({});
    expect(factsOf('normalisedSoftmax')).toEqual({});
    expect(factsOf('nPairs')).toEqual({ collapsedLoss: Math.log(16), withoutPositives: 0 });
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
