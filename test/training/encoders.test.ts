import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EncoderModel } from '../../training/models/encoder.ts';
import { countParameters, type Variables, variable } from '../../training/parameters.ts';
import { type Scalar, type Tensor, type Tensor4D, tf } from '../../training/tensorflow.ts';
import { signed, variablesOf } from './golden-draws.ts';
import { goldenValue, shallowEncoders } from './shallow-encoders.ts';

/** What timm's networks give, by test/golden/make_encoders.py. */
const sizeSchema = z.tuple([z.int(), z.int()]);
const golden = z
  .record(
    z.string(),
    z.object({
      parameters: z.int(),
      embeddings: z.array(
        z.object({ size: sizeSchema, norms: z.array(z.number()), first: z.array(z.array(z.number())) }),
      ),
      gradients: z.object({
        size: sizeSchema,
        loss: z.number(),
        of: z.record(z.string(), z.object({ norm: z.number(), first: z.array(z.number()) })),
      }),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('../golden/encoders.json', import.meta.url), 'utf8')));

const images = ([height, width]: readonly [number, number]) =>
  signed(`images ${height} x ${width}`, [4, height, width, 3]) as Tensor4D;

/** Ours beside theirs, in terms of the largest of theirs. */
const differs = (ours: readonly number[], theirs: readonly number[]) =>
  Math.max(...theirs.map((value, at) => Math.abs((ours[at] ?? Number.NaN) - value))) /
  Math.max(...theirs.map(Math.abs));

const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Of the sum of the embeddings times made numbers, in training mode. */
function gradientsOf(
  { parameters, embed, dimension }: EncoderModel,
  variables: Variables,
  at: readonly [number, number],
) {
  const names = parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
  const { value, grads } = tf.variableGrads(
    () => {
      const rows = embed(images(at), { variables, onBatchStatistics: () => {} });
      return tf.sum(tf.mul(rows, signed('direction', [4, dimension]))) as Scalar;
    },
    names.map((name) => variable(variables, name)),
  );
  const gradient = (name: string) => [...(grads[variable(variables, name).name] as Tensor).dataSync<'float32'>()];
  return { loss: value.dataSync()[0] ?? Number.NaN, gradient };
}

describe.each(Object.entries(shallowEncoders))('%s', (name, encoder) => {
  const expected = golden[name];
  if (!expected) throw new Error(`no golden values for ${name}`);
  const trainable = encoder.parameters.filter((spec) => spec.trainable);
  const variables = variablesOf(encoder.parameters, goldenValue);

  it("has timm's parameters, each in one stage", () => {
    expect(countParameters(trainable)).toBe(expected.parameters);
    expect(encoder.stages.flatMap((stage) => stage.parameters)).toEqual(encoder.parameters.map((spec) => spec.name));
  });

  it.each(expected.embeddings)('embeds images of $size as timm does', ({ size, norms, first }) => {
    const rows = tf.tidy(() => encoder.embed(images(size), { variables }).arraySync());
    expect(differs(rows.map(norm), norms)).toBeLessThan(1e-4);
    expect(
      differs(
        rows.flatMap((row) => row.slice(0, 8)),
        first.flat(),
      ),
    ).toBeLessThan(1e-4);
  });

  it("has timm's gradients in training mode", () => {
    const { loss, gradient } = gradientsOf(encoder, variables, expected.gradients.size);
    expect(Math.abs(loss / expected.gradients.loss - 1)).toBeLessThan(1e-3);
    for (const [parameter, { norm: length, first }] of Object.entries(expected.gradients.of)) {
      const values = gradient(parameter);
      expect(Math.abs(norm(values) / length - 1), parameter).toBeLessThan(1e-3);
      expect(differs(values.slice(0, 4), first), parameter).toBeLessThan(1e-3);
    }
  });
});
