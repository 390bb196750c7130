import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openStore } from '../../store/index.ts';
import { type BuildProgress, buildIndex, runIndexJob } from '../../vectors/index.ts';
import { clustered, encoderOf, vectorsOf } from './vectors.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-index-'));
const store = openStore(root);
const temporary = join(root, 'temporary');
await mkdir(temporary);
vi.stubEnv('TMPDIR', temporary);
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

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

  it.each(['rows', 'graph', 'check'] as const)(
    'ends when it is no longer wanted, in the phase %s, and leaves nothing in the temporary folder',
    async (wanted) => {
      const cancel = new AbortController();
      const onProgress = ({ phase }: BuildProgress) => phase === wanted && cancel.abort(new Error('cancelled'));
      await expect(
        runIndexJob(store, { do: 'build', vectors: first, settings }, { signal: cancel.signal, onProgress }),
      ).rejects.toThrow('cancelled');
      expect(await readdir(temporary)).toEqual([]);
    },
  );

  it('removes what killed processes of this machine left, and nothing else', async () => {
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    const host = encodeURIComponent(hostname());
    const left = `contrail-graph-${host}-${ended}-abcdef`;
    const others = [`contrail-graph-${host}-${process.pid}-abcdef`, `contrail-graph-elsewhere-${ended}-abcdef`];
    for (const name of [left, ...others]) {
      await mkdir(join(temporary, name));
      await writeFile(join(temporary, name, 'graph.usearch'), 'graph');
    }
    await runIndexJob(store, { do: 'build', vectors: first, settings: {} });
    expect(await readdir(temporary)).toEqual(others.toSorted());
  });
});
