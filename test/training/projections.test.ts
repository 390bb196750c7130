import { expect, it } from 'vitest';
import { encoderFiles } from '../../contracts/encoder.ts';
import { bytesOf, encodeSafetensors, writeArtifact } from '../../store/index.ts';
import { openProjector, requireFinite } from '../../training/index.ts';
import { generatedData } from './small-training.ts';

const { store } = await generatedData(8);
const tensor = (name: string, shape: readonly number[], values: readonly number[]) =>
  ({ name, shape, dtype: 'F32', data: bytesOf(Float32Array.from(values)) }) as const;
/** Of embeddings of three numbers. */
const hidden = [
  tensor('projection_hidden/kernel', [3, 2], [1, -1, 2, 0, 0.5, 1]),
  tensor('projection_hidden/bias', [2], [0, -3]),
  tensor('projection_output/kernel', [2, 2], [1, 2, 3, 4]),
  tensor('projection_output/bias', [2], [10, 20]),
];
const linear = [
  tensor('projection_output/kernel', [3, 2], [1, 2, 3, 4, 5, 6]),
  tensor('projection_output/bias', [2], [0.5, -0.5]),
];
const encoder = (head: typeof hidden | null) =>
  writeArtifact(store, {
    kind: 'encoder',
    about: {},
    files: [
      { path: encoderFiles.encoder, content: new Uint8Array(4) },
      ...(head ? [{ path: encoderFiles.projection, content: encodeSafetensors(head) }] : []),
    ],
  });
const embeddings = Float32Array.of(1, 1, 2, -1, 0, 0);

it('projects embeddings through a hidden layer with a rectifier, and through one layer', async () => {
  const two = await openProjector(store, await encoder(hidden), 3);
  // Hidden: relu(4, -2) and relu(-1, -2).
  expect([two.width, ...two.project(embeddings, 2)]).toEqual([2, 14, 28, 10, 20]);
  two.dispose();
  const one = await openProjector(store, await encoder(linear), 3);
  expect([...one.project(embeddings, 2)]).toEqual([14.5, 17.5, -0.5, -2.5]);
  one.dispose();
});

it('projects more rows than it takes at a time as it would each by itself', async () => {
  const { project, dispose } = await openProjector(store, await encoder(linear), 3);
  const many = Float32Array.from({ length: 3 * 5000 }, (_, at) => at % 7);
  expect(project(many, 5000).subarray(-2)).toEqual(project(many.subarray(-3), 1));
  dispose();
});

it('is refused for an encoder without a head', async () => {
  await expect(openProjector(store, await encoder(null), 3)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('Leave out `of: projection`'),
  });
});

it('is refused by its row where a projection is no number', () => {
  expect(() => requireFinite(Float32Array.of(1, 2, 3, Number.NaN), 2, 'projection')).toThrow(
    /^The projection of row 1 is/,
  );
  expect(() => requireFinite(Float32Array.of(1, 2, 3, 4), 2, 'projection')).not.toThrow();
});
