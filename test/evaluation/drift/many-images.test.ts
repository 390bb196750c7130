import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { openStore, type Store } from '../../../store/index.ts';
import { around, type Image, runDrift, writeEncoder, writeVectors } from './vectors.ts';

let folder = '';
let store: Store;
let encoder: ArtifactRef;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-drift-'));
  store = openStore(folder);
  encoder = await writeEncoder(store);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('looks at no more than its samples of 100,000 images', async () => {
  const points = around([4, 0, 0, 0, 0, 0, 0, 0], 0.6, 300, 9);
  const of = (count: number, prefix: string, split?: 'train' | 'validation') =>
    Array.from({ length: count }, (_, at): Image => {
      return {
        embedding: points[at % points.length] ?? [],
        row: { name: `${prefix}${at}`, ...(split ? { split } : {}) },
      };
    });
  const large = await writeVectors(store, encoder, [
    ...of(90_000, 'train', 'train'),
    ...of(10_000, 'validation', 'validation'),
  ]);
  const { drift } = await runDrift(store, {
    recent: await writeVectors(store, encoder, of(12_000, 'recent')),
    reference: large,
  });
  expect(drift.images).toMatchObject({ recent: 12_000, compared: 1000, reference: 1000, known: 20_000 });
  expect(drift.news?.images).toBe(10_000);
});
