import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { prepareData, trainInProcess } from '../../bench/training-run.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { openStore } from '../../store/index.ts';
import { JobStopped } from '../../training/index.ts';
import { openRun, trainEpochs } from './run.ts';
import { generatedData } from './small-training.ts';

/** A training may go on with another number of devices than it began with. */
const encoder = { name: 'small-resnet', channels: 4, blocks: [1] };
const [batch, microbatch] = [16, 4];
const supcon = { encoder, projection: { hidden: 16, output: 8 }, ...{ batch, microbatch }, epochs: 2 };
const configs = {
  'SupCon with a queue': { ...supcon, loss: { supcon: { queue: 64 } } },
  'SupCon, balanced, in bfloat16': { ...supcon, sampler: { balanced: { perClass: 8 } }, precision: 'bfloat16' },
  'SupCon with joint batch normalisation': { ...supcon, syncBatchNorm: true },
  'cross-entropy': { encoder, loss: { crossEntropy: {} }, ...{ batch, microbatch }, epochs: 2 },
};
const { store, dataset } = await generatedData(96);

let said: MockInstance<typeof console.info>;
beforeEach(() => {
  said = vi.spyOn(console, 'info').mockImplementation(() => {});
  process.env.CONTRAIL_CPU_DEVICES = '4';
});
afterEach(() => {
  said.mockRestore();
  delete process.env.CONTRAIL_CPU_DEVICES;
});

const named = (name: string, what: string) => `${what}-${name.replaceAll(/\W+/g, '-').toLowerCase()}`;

describe('a training in four parts', () => {
  for (const [name, config] of Object.entries(configs))
    it(`ends with the same bits, stopped in mid-epoch and resumed on another number of devices (${name})`, async () => {
      const of = (run: string, replicas?: number | 'auto') => openRun({ store, run, dataset, config, replicas });
      const expected = await trainEpochs(of(named(name, 'alone')), 2);
      const run = named(name, 'resumed');
      await expect(of(run, 4).train(1, undefined, 3)).rejects.toBeInstanceOf(JobStopped);
      await expect(of(run, 2).train(1, undefined, 2)).rejects.toMatchObject({ at: { epoch: 0, step: 3 } });
      const resumed = await trainEpochs(of(run, 'auto'), 2);
      expect(resumed).toEqual({ ...expected, resumedFrom: { epoch: 0, step: 3 } });
    });

  it('goes on with other devices between two epochs of the same process', async () => {
    const alone = await trainEpochs(openRun({ store, run: 'one-process', dataset, config: supcon }), 2);
    const jobs = openRun({ store, run: 'another-process', dataset, config: supcon, replicas: 4 });
    const first = await jobs.train(1);
    const second = await jobs.with({ replicas: 2 }).train(2, { epoch: 1, digest: first.digest });
    expect([first.digest, second.digest]).toEqual(alone.digests);
    expect(said.mock.calls.flat()).toEqual([
      'replicas: 4 of 4 CPUs; a batch of 16 images passes in 4 parts, all at once',
      'replicas: 2 of 4 CPUs; a batch of 16 images passes in 4 parts, 2 at a time',
    ]);
  });
});

describe('a trainer that is killed', () => {
  let folder = '';
  let killedData: ArtifactRef;
  const storeUrl = () => pathToFileURL(join(folder, 'store')).href;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-replicas-'));
    killedData = await prepareData(openStore(storeUrl()), 128, folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is followed by one with another number of devices, and then by another, to the same digests', async () => {
    const parameters = {
      ...supcon,
      loss: { supcon: { queue: 64 } },
      sampler: { balanced: { perClass: 4 } },
      checkpoint: { everySteps: 2 },
    };
    const digests = (epochs: Awaited<ReturnType<typeof trainInProcess>>) => epochs.map(({ digest }) => digest);
    const alone = await trainInProcess(storeUrl(), 'alone', killedData, parameters);
    const disturbed = await trainInProcess(storeUrl(), 'disturbed', killedData, parameters, [3, 9], [4, 2, 1]);
    expect(disturbed.flatMap(({ kills }) => kills)).toHaveLength(2);
    expect(digests(disturbed)).toEqual(digests(alone));
  });
});
