import { truncate } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomUint32 } from '../../datasets/random.ts';
import { openCheckpoints } from '../../store/index.ts';
import { randomMoment, testSeed } from '../random.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';
import { photosPipeline } from './photos-pipeline.ts';

/**
 * A pipeline trains for real while its processes are killed with SIGKILL at random moments. Whatever dies, the run must
 * complete with the same bits as one that nothing happened to.
 */
let environment: TestEnvironment;
let reference: Record<string, Record<string, unknown>>;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const epochs = 8;

/** Waits until the training of a run has a checkpoint and a random number of finished epochs, then a random moment more. */
async function untilTraining(run: string): Promise<void> {
  const checkpoints = openCheckpoints(environment.store, { run, step: 'pretrain' });
  const wanted = randomUint32(testSeed, run) % (epochs - 2);
  console.log(`${run}: once ${wanted} epochs are finished`);
  while ((await checkpoints.list()).length === 0 || (await finishedEpochs(run)).length < wanted) await sleep(20);
  await sleep(randomMoment(run, 0, 500));
}

async function finishedEpochs(run: string): Promise<number[]> {
  const all = await openCheckpoints(environment.store, { run, step: 'pretrain' }).list();
  return all.filter(({ manifest }) => manifest.step === 0).map(({ manifest }) => manifest.epoch);
}

beforeAll(async () => {
  environment = await startTestEnvironment();
  await environment.start('reference', smallPipeline({ epochs }), false, { useCache: false });
  reference = await environment.result('reference');
}, 180_000);

afterAll(() => environment.stop(), 60_000);

describe('a run that nothing happens to', () => {
  it('learns', () => {
    expect(reference.evaluate?.top1).toBeGreaterThan(0.8);
  });

  it('has one checkpoint for each epoch', async () => {
    expect(await finishedEpochs('reference')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('a run whose processes are killed', () => {
  const kills: [string, (run: string) => Promise<void>][] = [
    ['the trainer', (run) => environment.killTrainer(run)],
    ['the worker', () => environment.killWorker()],
    ['the Temporal server', () => environment.killServer()],
  ];
  for (const [what, kill] of kills)
    it(`ends with the same bits when ${what} dies, and trains no finished epoch again`, {
      timeout: 180_000,
    }, async () => {
      const run = `killed-${what.replaceAll(' ', '-').toLowerCase()}`;
      await environment.start(run, smallPipeline({ epochs }), false, { useCache: false });
      await untilTraining(run);
      expect((await finishedEpochs(run)).length, 'epochs before the kill').toBeLessThan(epochs);
      await kill(run);
      const result = await environment.result(run);
      expect(result.pretrain?.digest).toBe(reference.pretrain?.digest);
      expect(result.pretrain?.encoder).toEqual(reference.pretrain?.encoder);
      expect(result.evaluate).toEqual(reference.evaluate);
      expect(await finishedEpochs(run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });
});

describe('a run on photos that are decoded while it trains', () => {
  it('ends with the same bits when its trainer and its worker are killed within epochs', {
    timeout: 240_000,
  }, async () => {
    const pipeline = await photosPipeline(environment.home.folder);
    await environment.start('photos', pipeline, false, { useCache: false });
    const { pretrain, data } = await environment.result('photos');
    await environment.start('killed-photos', pipeline, false, { useCache: false });
    const checkpoints = openCheckpoints(environment.store, { run: 'killed-photos', step: 'pretrain' });
    /** Waits until so many epochs are finished, and a step of the next. */
    const until = async (epochs: number) => {
      const isThere = async () =>
        (await checkpoints.list()).some(
          ({ manifest: { epoch, step } }) => epoch > epochs || (epoch === epochs && step > 0),
        );
      while (!(await isThere())) await sleep(20);
      await sleep(randomMoment('killed-photos', epochs, 200));
    };
    await until(0);
    await environment.killTrainer('killed-photos');
    await until(2);
    await environment.killWorker();
    const killed = await environment.result('killed-photos');
    expect(killed.data?.dataset).toEqual(data?.dataset);
    expect(killed.pretrain?.digest).toBe(pretrain?.digest);
    expect(killed.pretrain?.encoder).toEqual(pretrain?.encoder);
  });
});

describe('a run that was cancelled', () => {
  it('goes on under its own id: from its checkpoint, without the finished steps, to the same bits', {
    timeout: 120_000,
  }, async () => {
    await environment.start('cancelled', smallPipeline({ epochs }), false, { useCache: false });
    await untilTraining('cancelled');
    await environment.client().client.workflow.getHandle('cancelled').cancel();
    await expect(environment.result('cancelled')).rejects.toThrow();
    const before = await finishedEpochs('cancelled');
    await environment.start('cancelled', smallPipeline({ epochs }), true, { useCache: false });
    const result = await environment.result('cancelled');
    expect(result.pretrain?.digest).toBe(reference.pretrain?.digest);
    expect(before.length).toBeLessThan(epochs);
    expect(await finishedEpochs('cancelled')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('skips a newest checkpoint that is cut short, and names it', { timeout: 120_000 }, async () => {
    await environment.start('truncated', smallPipeline({ epochs }), false, { useCache: false });
    await untilTraining('truncated');
    await environment.client().client.workflow.getHandle('truncated').cancel();
    await expect(environment.result('truncated')).rejects.toThrow();
    const checkpoints = openCheckpoints(environment.store, { run: 'truncated', step: 'pretrain' });
    const newest = (await checkpoints.list()).at(-1);
    await truncate(
      environment.store.locate(`runs/truncated/steps/pretrain/checkpoints/${newest?.name}/state.safetensors`),
      1000,
    );
    const { rejected } = await checkpoints.newestValid();
    expect(rejected).toEqual([{ name: newest?.name, reason: expect.stringMatching(/has 1000 bytes instead of \d+/) }]);
    await environment.start('truncated', smallPipeline({ epochs }), true, { useCache: false });
    expect((await environment.result('truncated')).pretrain?.digest).toBe(reference.pretrain?.digest);
  });
});
