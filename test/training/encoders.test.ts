import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { convnext } from '../../training/models/convnext.ts';
import type { EncoderModel } from '../../training/models/encoder.ts';
import { mobilenetv3 } from '../../training/models/mobilenetv3.ts';
import { resnet50 } from '../../training/models/resnet50.ts';
import { type VitShape, vit } from '../../training/models/vit.ts';
import { countParameters, type ParameterSpec, type Variables, variable } from '../../training/parameters.ts';
import { type Scalar, type Tensor, type Tensor4D, tf } from '../../training/tensorflow.ts';
import { drawn, signed, variablesOf } from './golden-draws.ts';

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

const smallVit = { width: 32, depth: 2, heads: 2, registers: 0, layerScale: true, patch: 14, grid: [4, 4] } as const;
const encoders: Readonly<Record<string, EncoderModel>> = {
  resnet50: resnet50([1, 1, 1, 1]),
  convnext: convnext({ depths: [1, 1, 2, 1], widths: [8, 16, 32, 64] }),
  'mobilenetv3 large': mobilenetv3('large'),
  'mobilenetv3 small': mobilenetv3('small'),
  'vit dinov2': vit(smallVit),
  'vit registers': vit({ ...smallVit, registers: 4 }),
  vit: vit({ ...smallVit, patch: 16, layerScale: false } satisfies VitShape),
};

function goldenValue({ name, shape }: ParameterSpec): Tensor {
  if (/token$|pos_embed$/.test(name)) return signed(name, shape);
  if (shape.length > 1) {
    const fanIn = shape.slice(0, shape.at(-1) === 1 ? 2 : -1).reduce((a, b) => a * b, 1);
    return drawn(name, shape, (u) => (2 * u - 1) * Math.sqrt(3 / fanIn));
  }
  if (/weight$|gamma$|running_var$/.test(name)) return drawn(name, shape, (u) => 0.5 + u);
  return drawn(name, shape, (u) => (2 * u - 1) * 0.1);
}

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

describe.each(Object.entries(encoders))('%s', (name, encoder) => {
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
