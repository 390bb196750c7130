import * as onnx from 'onnxruntime-web/wasm';
import { expect, it } from 'vitest';
import { encoderSchema } from '../../contracts/training.ts';
import { recordForExport } from '../../training/capture/export.ts';
import { CaptureError, capture, type Step, type StepState } from '../../training/capture/index.ts';
import { embeddingStep } from '../../training/features.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import { onnxModel } from '../../training/onnx/model.ts';
import { imagesOfBytes } from '../../training/ops.ts';
import { createVariables } from '../../training/parameters.ts';
import { type Tensor, type Tensor2D, tf } from '../../training/tensorflow.ts';

onnx.env.wasm.numThreads = 1;
onnx.env.logLevel = 'error';

const image = { height: 32, width: 32, channels: 3, mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.3, 0.3] } as const;
const input = { name: 'images', dtype: 'uint8', shape: [32, 32, 3] } as const;
const imagesOf = (count: number) => ({
  dtype: 'uint8' as const,
  shape: [count, 32, 32, 3],
  values: Uint8Array.from({ length: count * 32 * 32 * 3 }, (_, at) => Math.imul(at, 2654435761) >>> 24),
});

/** What a step gives here, and what ONNX's own runtime makes of its file, for some numbers of images. */
async function both(state: StepState, step: Step, outputs: readonly string[], counts: readonly number[]) {
  const model = onnxModel(recordForExport(state, { step, input, outputs }));
  const session = await onnx.InferenceSession.create(model);
  const compiled = capture(state).compile(step);
  const results = [];
  for (const count of counts) {
    const images = imagesOf(count);
    const made = await session.run({ images: new onnx.Tensor('uint8', images.values, images.shape) });
    const values = outputs.map((name) => ({ dims: made[name]?.dims, values: made[name]?.data as Float32Array }));
    results.push({ count, ours: compiled(images), theirs: values });
  }
  await session.release();
  return results;
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? Number.NaN))), 0);
};
const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, each) => Math.max(most, Math.abs(each)), 0);

const encoders = [
  { name: 'small-resnet', channels: 8, blocks: [1, 1], stemStride: 2 },
  { name: 'resnet50v2', stem: 'imagenet' },
  { name: 'convnext', size: 'tiny' },
  { name: 'vit', size: 'small', patch: 16, registers: 4 },
  { name: 'mobilenetv3', size: 'small' },
];

it.each(encoders)('an encoder $name gives the same embeddings by ONNX, for any number of images', async (config) => {
  const model = createEncoder(encoderSchema.parse(config), image);
  const about = { image: { ...image, mean: [...image.mean], deviation: [...image.deviation] } };
  const state = { variables: createVariables(model.parameters, 3), resident: {} };
  for (const { count, ours, theirs } of await both(state, embeddingStep(model, about), ['embedding'], [1, 3])) {
    const [embedding] = ours as [Float32Array];
    expect(theirs[0]?.dims).toEqual([count, model.dimension]);
    const values = theirs[0]?.values ?? [];
    expect(largestDifference(embedding, values) / largest(embedding)).toBeLessThan(1e-4);
  }
});

it('all that a step computes is translated: reductions, products, choices', async () => {
  const kernel = tf.variable(
    tf.tensor2d([
      [1, 2, 3],
      [0.5, -1, 4],
    ]),
  );
  const step: Step = ([bytes]) => {
    const x = tf.mean(imagesOfBytes(bytes as Tensor), [1, 2]) as Tensor2D;
    const unit = tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), 1, true), 1e-12)));
    const mixed = tf.matMul(unit as Tensor2D, kernel as unknown as Tensor2D, false, true);
    const many = tf.concat([mixed, tf.tanh(mixed), tf.sigmoid(mixed), tf.exp(tf.neg(mixed))], 1);
    return [tf.softmax(many as Tensor2D), tf.argMax(many, 1), tf.max(many, 1)];
  };
  const state = { variables: new Map([['kernel', kernel]]), resident: {} };
  const outputs = ['probabilities', 'label', 'largest'];
  for (const { ours, theirs } of await both(state, step, outputs, [2, 5]))
    for (const [at, values] of ours.entries())
      expect(largestDifference(values, theirs[at]?.values ?? [])).toBeLessThan(1e-5);
});

it('an operation that is not translated is named', () => {
  const step: Step = ([bytes]) => [tf.atan(tf.mean(imagesOfBytes(bytes as Tensor), [1, 2]))];
  const recorded = recordForExport({ variables: new Map(), resident: {} }, { step, input, outputs: ['angle'] });
  expect(() => onnxModel(recorded)).toThrow(CaptureError);
  expect(() => onnxModel(recorded)).toThrow('ONNX export knows no Atan');
});
