import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createDatasetWriter } from '../../datasets/dataset-writer.ts';
import { leakPairs } from '../../evaluation/leak-pairs.ts';
import { leaksBy } from '../../evaluation/leaks.ts';
import { openStore } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-leak-pairs-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('an exact copy is shown beside what it is a copy of, also where the inspection found it near another image', async () => {
  const classes = ['coat', 'shirt'];
  const writer = createDatasetWriter(folder, { classes });
  const pixelsOf = (shade: number) => new Uint8Array(32 * 32).map((_, at) => (at * shade) % 251);
  const add = (split: 'train' | 'test', shade: number, name: string) =>
    writer.add({
      split,
      name,
      class: classes[shade % 2] ?? '',
      pixels: pixelsOf(shade),
      height: 32,
      width: 32,
      channels: 1,
    });
  for (const shade of [3, 4, 5]) await add('train', shade, `train-${shade}`);
  await add('test', 5, 'copy');
  const { digest } = await writer.finish();
  const near = { kind: 'near', trainRow: 0, likeness: 0.99 } as const;
  const inspected = { leaks: new Map([[0, near]]), kinds: ['exact', 'near'] as const, partly: false };
  const leaks = leaksBy(new Set([0]), inspected);
  const labels = { test: Int32Array.of(1), train: Int32Array.of(1, 0, 1) };
  const pairs = await leakPairs(openStore(folder), { kind: 'dataset', digest }, leaks, inspected, labels);
  expect(pairs).toMatchObject([{ kind: 'exact', likeness: 1, a: { name: 'copy' }, b: { name: 'train-5', row: 2 } }]);
});
