import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { resnet50v2 } from '../../training/models/resnet50v2.ts';
import { countParameters, type ParameterSpec, variable } from '../../training/parameters.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../../training/tensorflow.ts';
import { drawn, fnv1a, mulberry32, signed, variablesOf } from './golden-draws.ts';

const vector = z.array(z.number());
const model = z.object({
  params: z.int(),
  inference: z.object({ avg_pool: z.object({ l2: z.number(), head64_per_row: z.array(vector) }) }),
  training: z.object({
    loss_sum_avgpool_times_dir: z.number(),
    avg_pool_head16_row0: vector,
    grads: z.record(z.string(), z.object({ l2: z.number(), first4: vector })),
    moving_after: z.record(z.string(), z.object({ mean4: vector, var4: vector })),
  }),
});
const golden = z
  .object({
    models: z.object({ keras_stem: model, cifar_stem: model }),
    selftest: z.object({ mulberry32_seed1_first3: vector, fnv_input: z.int() }),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/resnet50v2.json', import.meta.url), 'utf8')));

function goldenValue({ name, shape }: ParameterSpec): Tensor {
  const receptive = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const [fanIn = 1, fanOut = 1] = shape.slice(-2);
  const limit = Math.sqrt(6 / (receptive * fanIn + receptive * fanOut));
  const weight = name.split('/').at(-1);
  if (weight === 'kernel') return drawn(name, shape, (u) => (2 * u - 1) * limit);
  if (weight === 'gamma' || weight === 'moving_variance') return drawn(name, shape, (u) => 0.5 + u);
  return drawn(name, shape, (u) => (2 * u - 1) * 0.1);
}

const images = () => signed('input', [4, 32, 32, 3]) as Tensor4D;

describe('ResNet50V2', () => {
  it('draws the weights that the reference drew', () => {
    expect([...mulberry32(1, 3)]).toEqual(golden.selftest.mulberry32_seed1_first3);
    expect(fnv1a('input')).toBe(golden.selftest.fnv_input);
  });

  for (const [stem, expected] of [
    ['imagenet', golden.models.keras_stem],
    ['cifar', golden.models.cifar_stem],
  ] as const) {
    it(`has Keras's parameters, ${stem} stem`, () => {
      expect(countParameters(resnet50v2(stem).parameters)).toBe(expected.params);
    });

    it(`embeds as Keras does in inference, ${stem} stem`, () => {
      const { parameters, embed } = resnet50v2(stem);
      const variables = variablesOf(parameters, goldenValue);
      const embedding = tf.tidy(() => embed(images(), { variables }).arraySync());
      const scale = Math.max(...expected.inference.avg_pool.head64_per_row.flat().map(Math.abs));
      expected.inference.avg_pool.head64_per_row.forEach((row, image) => {
        row.forEach((value, index) => {
          expect(Math.abs((embedding[image]?.[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(
            1e-5 * Math.max(1, scale),
          );
        });
      });
    });
  }

  it('trains as Keras does: loss, gradients and batch statistics, cifar stem', () => {
    const { parameters, embed } = resnet50v2('cifar');
    const expected = golden.models.cifar_stem.training;
    const variables = variablesOf(parameters, goldenValue);
    const statistics = new Map<string, { mean: number[]; variance: number[] }>();
    const names = Object.keys(expected.grads);
    const { value, grads } = tf.variableGrads(
      () => {
        const embedding = embed(images(), {
          variables,
          onBatchStatistics: (layer, mean: Tensor1D, variance: Tensor1D) =>
            statistics.set(layer, { mean: [...mean.dataSync()], variance: [...variance.dataSync()] }),
        });
        return tf.sum(tf.mul(embedding, signed('dir', [4, 2048])));
      },
      names.map((name) => variable(variables, name)),
    );
    const relative = (actual: number, wanted: number) => Math.abs(actual - wanted) / Math.abs(wanted);
    expect(relative(value.dataSync()[0] ?? 0, expected.loss_sum_avgpool_times_dir)).toBeLessThan(1e-2);
    for (const [name, { l2 }] of Object.entries(expected.grads)) {
      // Batch normalisation right after this bias removes it: its true gradient is 0.
      if (name === 'conv3_block1_0_conv/bias') continue;
      const gradient = grads[variable(variables, name).name];
      if (!gradient) throw new Error(`no gradient for ${name}`);
      expect(relative(tf.norm(gradient).dataSync()[0] ?? 0, l2), name).toBeLessThan(1e-2);
    }
    for (const [layer, { mean4, var4 }] of Object.entries(expected.moving_after)) {
      const batch = statistics.get(layer);
      const moving = (weight: string) => variable(variables, `${layer}/${weight}`).dataSync();
      mean4.forEach((value, index) => {
        const moved = 0.99 * (moving('moving_mean')[index] ?? 0) + 0.01 * (batch?.mean[index] ?? 0);
        expect(Math.abs(moved - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
      });
      var4.forEach((value, index) => {
        const moved = 0.99 * (moving('moving_variance')[index] ?? 0) + 0.01 * (batch?.variance[index] ?? 0);
        expect(relative(moved, value)).toBeLessThan(1e-3);
      });
    }
  });
});
