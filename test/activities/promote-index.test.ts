import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withIndex } from '../../activities/promote.ts';
import type { Candidate } from '../../contracts/models.ts';
import { openStore } from '../../store/index.ts';
import { encoderOf, indexOf } from '../vectors/vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-promote-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const candidate: Candidate = {
  run: 'run-1',
  step: 'promote',
  encoder: encoderOf('encoder'),
  classifier: null,
  evaluation: { kind: 'retrieval', digest: '0'.repeat(64) },
  metrics: { recallAt1: 0.5 },
  testSet: '1'.repeat(64),
};

describe('a model that is promoted with an index', () => {
  it('gets the index with its version', async () => {
    const index = await indexOf(store, { rows: [{ name: 'a.jpg', vector: [1, 0] }] });
    expect(await withIndex(store, candidate, index)).toEqual({ ...candidate, index });
  });

  it('needs none', async () => {
    expect(await withIndex(store, candidate, undefined)).toEqual(candidate);
  });

  it('is refused one of another encoder', async () => {
    const index = await indexOf(store, { rows: [{ name: 'a.jpg', vector: [1, 0] }], encoder: encoderOf('another') });
    await expect(withIndex(store, candidate, index)).rejects.toThrow('but the model that is promoted has the encoder');
  });
});
