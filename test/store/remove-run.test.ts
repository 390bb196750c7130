import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadStoredRun, runsInStore } from '../../cli/stored-run.ts';
import type { Candidate } from '../../contracts/models.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import {
  acquireLease,
  bytesOf,
  collectGarbage,
  digestOfJson,
  isBeingRemoved,
  loadPlan,
  neededBy,
  openCheckpoints,
  openStore,
  recordFork,
  recordRun,
  removeRun,
  type Store,
  savePlan,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-remove-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let store: Store;
let number = 0;

const plan = parsePipeline({
  text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }',
  file: 'p.yaml',
});
const inTwoHours = () => Date.now() + 2 * 60 * 60 * 1000;
const needs = (run: string, ...going: string[]) => neededBy(store, run, new Set(going));
const filesOf = async (run: string) => (await store.list(`runs/${run}`)).length;

const addRun = async (run: string, extra: object = {}) => {
  await recordRun(store, { run, pipeline: 'p', params: {}, createdAt: '2026-01-01T00:00:00.000Z', ...extra });
  await savePlan(store, run, plan);
  const artifact = await writeArtifact(store, {
    ...{ kind: 'dataset', about: { run } },
    files: [{ path: 'a.bin', content: Buffer.from(run) }],
  });
  await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: { dataset: { ...artifact } } });
  return artifact;
};

beforeEach(async () => {
  store = openStore(join(root, String(number++)));
  await addRun('first');
});

describe('a run', () => {
  it('that nothing needs goes with its folder, and its artifacts with the next collection', async () => {
    const artifact = await addRun('second');
    expect(await needs('second')).toEqual([]);
    await removeRun(store, 'second');
    expect(existsSync(store.locate('runs/second'))).toBe(false);
    expect(await filesOf('first')).toBeGreaterThan(0);
    const { artifacts } = await collectGarbage(store, { dryRun: true, now: inTwoHours() });
    expect(artifacts).toMatchObject([artifact]);
  });

  it('is needed by every version of a model that is of it', async () => {
    const ref = { kind: 'encoder', digest: digestOfJson(1) } as const;
    const candidate = {
      ...{ run: 'first', step: 'promote', encoder: ref, classifier: ref, evaluation: ref },
      ...{ metrics: { top1: 1, top5: 1, macroF1: 1, knn: 1 }, testSet: digestOfJson(1) },
    } satisfies Candidate;
    await store.write(
      'models/shirts/versions/000001.json',
      Buffer.from(
        JSON.stringify({
          ...candidate,
          ...{
            format: 'contrail-model/1',
            model: 'shirts',
            version: 1,
            reason: 'the first',
            promotedAt: '2026-01-01T00:00:00.000Z',
          },
        }),
      ),
    );
    expect(await needs('first')).toEqual(['version 1 of the model shirts is of it']);
  });

  it('is needed by its forks, and by runs that took its training over, unless they go with it', async () => {
    await addRun('fork', { forkedFrom: { run: 'first', step: 'pretrain', epoch: 3 } });
    const trained = { run: 'first', step: 'pretrain' };
    await saveStepResult(store, { run: 'later', step: 'encode' }, { fingerprint: '{}', result: { trained } });
    expect(await needs('first')).toEqual([
      'fork is a fork of it, from epoch 3 of pretrain',
      'encode of later is its training pretrain, taken over',
    ]);
    expect(await needs('first', 'first', 'fork', 'later')).toEqual([]);
  });

  it('stays while another cannot be read, which may need it', async () => {
    await addRun('other');
    await store.write('runs/other/run.json', Buffer.from('{"run":"oth'));
    await expect(needs('first')).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringContaining(store.locate('runs/other/run.json')),
    });
    await removeRun(store, 'other');
    expect(await needs('first')).toEqual([]);
  });

  it('that was a fork no longer holds the checkpoint that it began from, but where another fork does', async () => {
    const key = { run: 'first', step: 'pretrain' };
    const checkpoints = openCheckpoints(store, key);
    await checkpoints.commit(await acquireLease(store, key, 'me'), {
      ...{ epoch: 3, step: 0, config: {}, best: { epoch: 3, loss: 1 }, metadata: {} },
      metrics: { loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 },
      tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(1)) }],
    });
    await checkpoints.pin('epoch-000003-t1');
    const isPinned = async () => (await checkpoints.list())[0]?.pinned;
    for (const run of ['a', 'b']) {
      await addRun(run, { forkedFrom: { ...key, epoch: 3 } });
      await recordFork(store, 'first', { run, step: 'pretrain', epoch: 3, createdAt: '2026-01-01T00:00:00.000Z' });
    }
    await removeRun(store, 'a');
    expect(await isPinned()).toBe(true);
    await removeRun(store, 'b');
    expect(await isPinned()).toBe(false);
  });

  it('whose removal is interrupted, at whatever file, is no run any more, and can be removed again', async () => {
    await removeRun(store, 'first');
    for (let survived = 0; ; survived++) {
      const run = `run-${survived}`;
      await addRun(run);
      let removals = 0;
      const dying: Store = {
        ...store,
        remove: async (path) => {
          if (removals++ === survived) throw new Error('killed');
          await store.remove(path);
        },
      };
      const error = await removeRun(dying, run).catch((each: unknown) => each);
      const isWhole = error === undefined;
      expect(await isBeingRemoved(store, run)).toBe(!isWhole);
      if (survived > 0) expect(await loadPlan(store, run)).toBeNull();
      const listed = await Promise.all((await runsInStore(store)).map((each) => loadStoredRun(store, each)));
      expect(listed.filter((each) => each?.complete)).toEqual([]);
      if (!isWhole) await removeRun(store, run);
      expect(await runsInStore(store)).toEqual([]);
      if (isWhole) break;
      expect(survived).toBeLessThan(10);
    }
  });
});
