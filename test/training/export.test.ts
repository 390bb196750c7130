import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExported, recordForExport, savedModelOf } from '../../training/capture/export.ts';
import { CaptureError, capture } from '../../training/capture/index.ts';
import { embeddingStep } from '../../training/features.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import { createVariables } from '../../training/parameters.ts';
import { type Tensor, tf } from '../../training/tensorflow.ts';

const image = { height: 16, width: 16, channels: 3, mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.3, 0.3] } as const;

it('exports an encoder that gives the same embeddings for any number of images', async () => {
  const model = createEncoder(
    { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    { height: 8, width: 8, channels: 3 },
  );
  const about = { image: { ...image, mean: [...image.mean], deviation: [...image.deviation] } };
  const step = embeddingStep(model, about);
  const state = { variables: createVariables(model.parameters, 3), resident: {} };
  const content = savedModelOf(
    recordForExport(state, {
      step,
      input: { name: 'images', dtype: 'uint8', shape: [16, 16, 3] },
      outputs: ['embedding'],
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  try {
    await writeFile(join(folder, 'saved_model.pb'), content);
    const exported = loadExported(folder);
    const embed = capture(state).compile(step);
    for (const count of [1, 2, 7]) {
      const values = Uint8Array.from({ length: count * 16 * 16 * 3 }, (_, at) => (at * 31) % 256);
      const input = { dtype: 'uint8', shape: [count, 16, 16, 3], values } as const;
      const [expected] = embed(input) as [Float32Array];
      const [embedding] = exported.run(input, 'images', ['embedding']) as [Float32Array];
      expect(embedding).toHaveLength(count * model.dimension);
      expected.forEach((value, at) => {
        expect(Math.abs(value - (embedding[at] ?? Number.NaN))).toBeLessThan(1e-5);
      });
    }
    exported.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('refuses a step that computes with the number of rows', () => {
  const state = { variables: new Map(), resident: {} };
  const input = { name: 'x', dtype: 'float32', shape: [4] } as const;
  const step = ([x]: readonly Tensor[]) => [tf.reshape(x as Tensor, [-1, (x as Tensor).size])];
  expect(() => recordForExport(state, { step, input, outputs: ['y'] })).toThrow(CaptureError);
});
