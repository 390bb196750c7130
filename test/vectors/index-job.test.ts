import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../../store/index.ts';
import { buildIndex, runIndexJob } from '../../vectors/index.ts';
import { clustered, encoderOf, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-'));
const store = openStore(root);
afterAll(() => rm(root, { recursive: true, force: true }));

const rows = clustered(300, { dimension: 16, clusters: 20 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
const [first, second] = [
  await vectorsOf(store, { rows: rows.slice(0, 200) }),
  await vectorsOf(store, { rows: rows.slice(100) }),
];
const settings = { method: 'approximate' } as const;

describe('a process that builds an index', () => {
  it('makes what is made where it is called, tells how far it is, and goes on from what it made', async () => {
    const phases = new Set<string>();
    const built = await runIndexJob(
      store,
      { do: 'build', vectors: first, settings },
      { onProgress: ({ phase }) => phases.add(phase) },
    );
    expect(built.index).toEqual((await buildIndex(store, first, settings)).index);
    expect([...phases]).toEqual(['rows', 'recall', 'graph', 'check']);
    const added = await runIndexJob(store, { do: 'add', index: built.index, vectors: second }, { threads: 2 });
    expect(added).toMatchObject({ added: 100, unchanged: 100 });
    const removed = await runIndexJob(store, { do: 'remove', index: added.index, which: { names: ['0.jpg'] } });
    expect(removed).toMatchObject({ removed: 1 });
  });

  it('says what is wrong, as it is said where it is called', async () => {
    const built = await runIndexJob(store, { do: 'build', vectors: first, settings: {} });
    const foreign = await vectorsOf(store, { rows, encoder: encoderOf('another') });
    await expect(runIndexJob(store, { do: 'add', index: built.index, vectors: foreign })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('what is added has the encoder'),
    });
  });

  it('ends when it is no longer wanted', async () => {
    const signal = AbortSignal.timeout(20);
    await expect(runIndexJob(store, { do: 'build', vectors: first, settings }, { signal })).rejects.toThrow('timeout');
  });
});
