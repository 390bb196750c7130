import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { lossSchema } from '../../contracts/losses.ts';
import { supconLoss } from '../../training/losses/supcon.ts';
import { scalarValue } from '../../training/ops.ts';
import { type Scalar, type Tensor2D, tf } from '../../training/tensorflow.ts';
import { matrixSchema, readGolden, valueAndGradients } from './golden-losses.ts';

const golden = readGolden(
  'supcon',
  z.object({
    cases: z.array(
      z.object({
        name: z.string(),
        temperature: z.number(),
        input: matrixSchema,
        row_labels: z.array(z.int()),
        loss: z.number(),
        grad: matrixSchema,
      }),
    ),
  }),
);

const lossAndGradient = (
  input: number[][],
  labels: number[] | number[][],
  temperature: number,
  positives?: 'class' | 'any' | 'share',
) =>
  tf.tidy(() => {
    const rowLabels = tf.tensor(labels, undefined, 'int32') as Tensor2D;
    const { value, gradients } = valueAndGradients(
      (rows) => supconLoss(rows as Tensor2D, rowLabels, { temperature, scale: 'none', positives }),
      [input],
    );
    return { loss: value, gradient: gradients[0] ?? [] };
  });

describe('SupCon loss', () => {
  it('covers every golden case', () => expect(golden.cases).toHaveLength(21));

  for (const { name, temperature, input, row_labels, loss, grad } of golden.cases) {
    it(`agrees with the float64 reference: ${name}, temperature ${temperature}`, () => {
      const actual = lossAndGradient(input, row_labels, temperature);
      // float32 keeps seven digits: at temperature 0.001 the loss is in the hundreds.
      expect(Math.abs(actual.loss - loss)).toBeLessThanOrEqual(Math.max(2e-6, 1e-6 * Math.abs(loss)));
      const expected = grad.flat();
      // Where the true gradient is 0, what is left is rounding of terms of size 1 / temperature.
      const tolerance = Math.max(1e-4 * Math.max(...expected.map(Math.abs)), 1e-6);
      expected.forEach((value, index) => {
        expect(Math.abs((actual.gradient[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
      });
    });
  }

  it('takes labels of shape [rows, 1] as well', () => {
    const [first] = golden.cases;
    if (!first) throw new Error('the golden file has no case');
    const loss = (labels: number[] | number[][]) =>
      tf.tidy(() =>
        scalarValue(
          supconLoss(tf.tensor2d(first.input), tf.tensor(labels, undefined, 'int32') as Tensor2D, {
            temperature: 0.05,
            scale: 'none',
          }),
        ),
      );
    expect(loss(first.row_labels.map((label) => [label]))).toBe(loss(first.row_labels));
  });

  it('can be scaled by the temperature, or by temperature / 0.07', () => {
    const z = tf.tensor2d([
      [1, 0],
      [0.5, 1],
      [0.9, 0.2],
      [0, 1],
    ]);
    const labels = tf.tensor1d([0, 1, 0, 1], 'int32');
    const loss = (scale: 'none' | 'temperature' | 'base') =>
      scalarValue(supconLoss(z, labels, { temperature: 0.5, scale }) as Scalar);
    expect(loss('temperature')).toBeCloseTo(loss('none') * 0.5, 6);
    expect(loss('base')).toBeCloseTo((loss('none') * 0.5) / 0.07, 4);
  });

  it('knows the loss of collapsed projections', () => {
    const { loss, gradient } = lossAndGradient(
      Array.from({ length: 8 }, () => [0.3, -0.4, 0.5]),
      [0, 1, 0, 2, 0, 1, 0, 2],
      0.07,
    );
    expect(loss).toBeCloseTo(Math.log(7), 5);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-5);
  });
});

const goldenOfLabels = readGolden(
  'supcon-multilabel',
  z.object({
    cases: z.array(
      z.object({
        name: z.string(),
        positives: z.enum(['any', 'share']),
        temperature: z.number(),
        input: matrixSchema,
        row_labels: z.array(z.array(z.int())),
        loss: z.number(),
        grad: matrixSchema,
        valid_anchors: z.int(),
      }),
    ),
  }),
);

describe('SupCon loss on several labels of a row', () => {
  it('has golden cases in which the two ways differ, labels are empty, and anchors are without a positive', () => {
    const { cases } = goldenOfLabels;
    expect(cases).toHaveLength(32);
    expect(cases.filter(({ loss }, at) => at % 2 === 0 && loss !== cases[at + 1]?.loss)).toHaveLength(6);
    expect(cases.some(({ row_labels }) => row_labels.some((row) => row.every((label) => label < 0)))).toBe(true);
    expect(cases.some(({ valid_anchors, input }) => valid_anchors > 0 && valid_anchors < input.length)).toBe(true);
  });

  for (const { name, positives, temperature, input, row_labels, loss, grad } of goldenOfLabels.cases)
    it(`agrees with the float64 reference: ${name}, ${positives}, temperature ${temperature}`, () => {
      const actual = lossAndGradient(input, row_labels, temperature, positives);
      expect(Math.abs(actual.loss - loss)).toBeLessThanOrEqual(1e-5);
      for (const [at, value] of grad.flat().entries())
        expect(Math.abs((actual.gradient[at] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-5);
    });

  it('is that of classes, to the bit, where the one label of every row is its class', () => {
    for (const { input, row_labels, temperature } of golden.cases) {
      const byClass = lossAndGradient(input, row_labels, temperature);
      for (const positives of ['any', 'share'] as const) {
        const ofLabels = row_labels.map((label) => [label]);
        expect(lossAndGradient(input, ofLabels, temperature, positives)).toEqual(byClass);
      }
    }
  });
});

describe('at the lowest temperatures', () => {
  /** The loss in float64, by its definition. */
  function exact(rows: readonly (readonly number[])[], labels: readonly number[], temperature: number): number {
    const unit = rows.map((row) => row.map((value) => value / Math.hypot(...row)));
    const similarity = (i: number, j: number) =>
      (unit[i] ?? []).reduce((sum, value, k) => sum + value * (unit[j]?.[k] ?? 0), 0) / temperature;
    const losses = rows.map((_, i) => {
      const others = rows.flatMap((_, j) => (j === i ? [] : [j]));
      const largest = Math.max(...others.map((j) => similarity(i, j)));
      const sum = others.reduce((total, j) => total + Math.exp(similarity(i, j) - largest), 0);
      const positives = others.filter((j) => labels[j] === labels[i]);
      const mean = positives.reduce((total, j) => total + similarity(i, j), 0) / positives.length;
      return Math.log(sum) + largest - mean;
    });
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }
  const rows = [
    [1, 0],
    [-1, 0],
    [-0.8, -0.6],
    [-0.6, -0.8],
  ];
  const labels = [0, 0, 1, 1];

  it.each([1, 0.05, 1e-4, 1e-10, 1e-30])('no image is its own largest similarity: %d', (temperature) => {
    const loss = supconLoss(tf.tensor2d(rows), tf.tensor1d(labels, 'int32'), {
      temperature,
      scale: 'none',
    }).dataSync()[0];
    expect((loss ?? 0) / exact(rows, labels, temperature)).toBeCloseTo(1, 5);
  });

  it('the schema ends where float32 still has digits to spare', () => {
    expect(lossSchema.safeParse({ supcon: { temperature: 1e-4 } }).success).toBe(true);
    for (const temperature of [1e-10, 1e-38, 0, Number.NaN])
      expect(lossSchema.safeParse({ supcon: { temperature } }).success).toBe(false);
  });
});
