import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataSchema, encoderSchema, trainingConfigSchema } from '../../contracts/training.ts';
import { loadExported, recordForExport, savedModelOf } from '../../training/capture/export.ts';
import { type CaptureOptions, capture, eagerExecution, type Step } from '../../training/capture/index.ts';
import { embeddingStep } from '../../training/features.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import type { EncoderModel } from '../../training/models/encoder.ts';
import { createVariables, variable } from '../../training/parameters.ts';
import { openSession } from '../../training/session.ts';
import { trainingStep } from '../../training/step.ts';
import { type Scalar, type Tensor, type Tensor4D, tf } from '../../training/tensorflow.ts';
import { signed, variablesOf } from './golden-draws.ts';
import { goldenValue, shallowEncoders } from './shallow-encoders.ts';
import { generatedData } from './small-training.ts';

const count = 3;
const rowsOfExport = [1, 4];
const values = Uint8Array.from({ length: 4 * 64 * 64 * 3 }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24);
const imagesOf = (rows: number, side: number) =>
  ({
    dtype: 'uint8',
    shape: [rows, side, side, 3],
    values: values.subarray(0, rows * side * side * 3),
  }) as const;
const aboutOf = (side: number) => ({
  image: { height: side, width: side, channels: 3 as const, mean: [0.5, 0.4, 0.3], deviation: [0.3, 0.3, 0.2] },
});
/** Small ones; batch statistics want a few pixels of the last maps. */
function sideFor(name: string): number {
  if (name === 'vit dinov2' || name === 'vit registers') return 28;
  return name === 'mobilenetv3 small' ? 64 : 32;
}
const stateOf = ({ parameters }: EncoderModel) => ({ variables: variablesOf(parameters, goldenValue), resident: {} });

/** Input: float32 [n, height, width, 3]. Outputs: the sum of the embeddings times made numbers, and the length of the gradient of each parameter. */
const gradientStep =
  ({ parameters, embed, dimension }: EncoderModel): Step =>
  ([images], { variables }) => {
    const learned = parameters.filter(({ trainable }) => trainable).map(({ name }) => variable(variables, name));
    const { value, grads } = tf.variableGrads(() => {
      const rows = embed(images as Tensor4D, { variables, onBatchStatistics: () => {} });
      return tf.sum(tf.mul(rows, signed('direction', [count, dimension]))) as Scalar;
    }, learned);
    return [value, tf.stack(learned.map(({ name }) => tf.norm(grads[name] as Tensor)))];
  };
const floatsOf = (side: number) =>
  ({
    dtype: 'float32',
    shape: [count, side, side, 3],
    values: Float32Array.from(values.subarray(0, count * side * side * 3), (value) => value / 128 - 1),
  }) as const;
/** Ours beside theirs, in terms of the largest of theirs. */
const differs = (ours: ArrayLike<number>, theirs: ArrayLike<number>) => {
  const [all, others] = [Array.from(ours), Array.from(theirs)];
  return (
    Math.max(...others.map((value, at) => Math.abs((all[at] ?? Number.NaN) - value))) /
    Math.max(...others.map(Math.abs))
  );
};

function captured(encoder: EncoderModel, step: Step, options: CaptureOptions = {}) {
  const execution = capture(stateOf(encoder), options);
  return { run: execution.compile(step), execution };
}

const { 'mobilenetv3 large': _, ...encoders } = shallowEncoders;
describe.each(Object.entries(encoders))('%s', (name, encoder) => {
  const side = sideFor(name);
  const about = aboutOf(side);

  it('has the same loss and gradients as a graph and operation by operation', () => {
    const { run, execution } = captured(encoder, gradientStep(encoder));
    const eager = eagerExecution(stateOf(encoder));
    const [loss, lengths] = run(floatsOf(side));
    const [expected, ofEager] = eager.compile(gradientStep(encoder))(floatsOf(side));
    expect(differs(loss ?? [], expected ?? [])).toBeLessThan(1e-4);
    expect(differs(lengths ?? [], ofEager ?? [])).toBeLessThan(1e-4);
    execution.dispose();
    eager.dispose();
  });

  it('embeds nearly the same in float16', () => {
    const { run, execution } = captured(encoder, embeddingStep(encoder, about), { precision: 'float16' });
    const full = captured(encoder, embeddingStep(encoder, about));
    const [reduced] = run(imagesOf(count, side));
    const [expected] = full.run(imagesOf(count, side));
    expect(execution.report().operations).toContain('Cast');
    expect(reduced).not.toEqual(expected);
    expect(differs(reduced ?? [], expected ?? [])).toBeLessThan(0.03);
    execution.dispose();
    full.execution.dispose();
  });

  it('is exported for any number of images', async () => {
    const state = stateOf(encoder);
    const step = embeddingStep(encoder, about);
    const input = { name: 'images', dtype: 'uint8', shape: [side, side, 3] } as const;
    const content = savedModelOf(recordForExport(state, { step, input, outputs: ['embedding'] }));
    const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
    try {
      await writeFile(join(folder, 'saved_model.pb'), content);
      const exported = loadExported(folder);
      const embed = capture(state).compile(step);
      for (const rows of rowsOfExport) {
        const [expected] = embed(imagesOf(rows, side));
        const [embedding] = exported.run(imagesOf(rows, side), 'images', ['embedding']);
        expect(embedding).toHaveLength(rows * encoder.dimension);
        expect(differs(embedding ?? [], expected ?? [])).toBeLessThan(1e-5);
      }
      exported.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('moves the statistics of batch norms that are named as in PyTorch', () => {
  const config = trainingConfigSchema.parse({ encoder: { name: 'mobilenetv3', size: 'small' }, batch: 4 });
  const model = createTrainingModel(config, aboutOf(32).image);
  const execution = capture({ variables: createVariables(model.state, 7), resident: {} });
  execution.compile(trainingStep(model, config, 4))(
    imagesOf(4, 32),
    { dtype: 'int32', shape: [4], values: Int32Array.of(0, 1, 0, 1) },
    { dtype: 'int32', shape: [], values: Int32Array.of(0) },
  );
  const [mean, variance] = execution.read(['bn1.running_mean', 'bn1.running_var']);
  expect(Math.max(...(mean ?? []).map(Math.abs))).toBeGreaterThan(0);
  expect(Math.min(...(variance ?? []))).toBeLessThan(1);
  execution.dispose();
});

describe('an encoder', () => {
  const of = (encoder: object, height: number, width = height) =>
    createEncoder(encoderSchema.parse(encoder), { height, width, channels: 3 });
  const positions = ({ parameters }: EncoderModel) => parameters.find(({ name }) => name === 'pos_embed')?.shape;

  it('has the position embedding of its images, or of the grid that the config names', () => {
    expect(positions(of({ name: 'vit', patch: 14 }, 56, 28))).toEqual([1, 4 * 2 + 1, 384]);
    expect(positions(of({ name: 'vit', patch: 14, registers: 4 }, 56, 28))).toEqual([1, 4 * 2, 384]);
    expect(positions(of({ name: 'vit', patch: 14, grid: 37 }, 56, 28))).toEqual([1, 37 * 37 + 1, 384]);
  });

  it('has LayerScale with patches of 14, unless the config says otherwise', () => {
    const scales = (encoder: object) => of(encoder, 112).parameters.some(({ name }) => name === 'blocks.0.ls1.gamma');
    expect(scales({ name: 'vit', patch: 14 })).toBe(true);
    expect(scales({ name: 'vit', patch: 16 })).toBe(false);
    expect(scales({ name: 'vit', patch: 16, layerScale: true })).toBe(true);
  });

  it.each([
    [
      { name: 'vit', patch: 14 },
      64,
      /vit needs sides that are multiples of its patch of 14 pixels; the images are 64 x 64. Make them 70 x 70/,
    ],
    [{ name: 'vit', patch: 16 }, 8, /multiples of its patch of 16 pixels; the images are 8 x 8. Make them 16 x 16/],
    [{ name: 'convnext' }, 28, /convnext needs sides of 32 pixels and more; the images are 28 x 28/],
  ])('refuses images of a size that it does not take: %j of %d', (encoder, size, message) => {
    expect(() => of(encoder, size)).toThrow(message);
  });

  it('refuses small views of a size that it does not take', async () => {
    const { store, dataset } = await generatedData(16, { size: 32 });
    const config = trainingConfigSchema.parse({ encoder: 'vit', multiCrop: { size: 24 } });
    await expect(
      openSession(store, dataset, config, { data: dataSchema.parse({}), onCheck: () => {} }),
    ).rejects.toThrow(
      /multiples of its patch of 16 pixels; the small views \(multiCrop.size\) are 24 x 24. Make them 32 x 32/,
    );
  });
});

it('hands each residual branch over, with its number, before the addition', () => {
  const [images] = [signed('images', [2, 32, 32, 3]) as Tensor4D];
  for (const [name, blocks] of Object.entries({ resnet50: 4, convnext: 5, vit: 2 })) {
    const encoder = shallowEncoders[name] as EncoderModel;
    const { variables } = stateOf(encoder);
    const seen: string[] = [];
    const dropBranch = (branch: Tensor, block: number, of: number) => {
      seen.push(`${block} of ${of}`);
      return tf.mul(branch, 0);
    };
    const dropped = encoder.embed(images, { variables, dropBranch }).dataSync();
    expect(new Set(seen)).toEqual(new Set(Array.from({ length: blocks }, (_, block) => `${block} of ${blocks}`)));
    expect(dropped).not.toEqual(encoder.embed(images, { variables }).dataSync());
  }
});
