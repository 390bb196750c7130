import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { scalarValue } from '../../training/ops.ts';
import { type Scalar, type Tensor, tf } from '../../training/tensorflow.ts';

/** Rows of numbers, as the golden files of losses have them. */
export const matrixSchema = z.array(z.array(z.number()));

/** Reads a file of `test/golden/`. */
export const readGolden = <T>(name: string, schema: z.ZodType<T>): T =>
  schema.parse(JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')));

/** The value of a loss of matrices, and its gradient for each. */
export function valueAndGradients(
  loss: (...operands: readonly Tensor[]) => Scalar,
  operands: readonly (readonly (readonly number[])[])[],
): { readonly value: number; readonly gradients: number[][] } {
  return tf.tidy(() => {
    const { value, grads } = tf.valueAndGrads((...given) => loss(...(given as Tensor[])))(
      operands.map((rows) => tf.tensor2d(rows as number[][])),
    );
    return { value: scalarValue(value), gradients: grads.map((gradient) => [...gradient.dataSync()]) };
  });
}
