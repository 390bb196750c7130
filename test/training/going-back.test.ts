import { rm } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { trainEpochInput } from '../../contracts/trainer.ts';
import { openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** A health rule may send a training back to an epoch that the retention rule alone would not keep. */
const { store, dataset } = await generatedData(80);

/** Trains the first four epochs, as a training does whose rules may go back to these. @returns the digests */
async function trainFour(run: string, mayReturnTo: readonly number[]): Promise<string[]> {
  const digests: string[] = [];
  for (let epoch = 1; epoch <= 4; epoch++) digests.push((await train(run, epoch, digests.at(-1), mayReturnTo)).digest);
  return digests;
}

function train(run: string, epoch: number, digest: string | undefined, mayReturnTo: readonly number[] = []) {
  const key = { run, step: 'pretrain' };
  const recorded = digest === undefined ? {} : { recorded: { epoch: epoch - 1, digest } };
  const checkpoint = { keep: { last: 2, best: 0 } };
  const input = trainEpochInput.parse({
    ...key,
    dataset,
    config: smallConfig,
    checkpoint,
    epoch,
    mayReturnTo,
    ...recorded,
  });
  return createTrainingJobs()['train-epoch'](input, { store, key, stopRequested: () => false, progress: () => {} });
}

const kept = async (run: string) =>
  (await openCheckpoints(store, { run, step: 'pretrain' }).list()).map(({ manifest }) => manifest.epoch);

describe('going back to an epoch that a rule may go back to', () => {
  it('goes on from its checkpoint, which was kept', async () => {
    const [first, second] = await trainFour('kept', [1]);
    expect(await kept('kept')).toEqual([1, 3, 4]);
    const checkpoints = openCheckpoints(store, { run: 'kept', step: 'pretrain' });
    for (const { name, manifest } of await checkpoints.list())
      if (manifest.epoch > 1)
        await rm(store.locate(`runs/kept/steps/pretrain/checkpoints/${name}`), { recursive: true });
    const again = await train('kept', 2, first, [1]);
    expect(again).toMatchObject({ digest: second, resumedFrom: { epoch: 1, step: 0 } });
    expect(again.withoutCheckpoint).toBeUndefined();
  });

  it('begins anew where no checkpoint is there, and says so at once', async () => {
    const [first, second] = await trainFour('lost', []);
    expect(await kept('lost')).toEqual([3, 4]);
    await rm(store.locate('runs/lost/steps/pretrain/checkpoints'), { recursive: true });
    const said = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const again = await train('lost', 2, first);
    expect(again).toMatchObject({ digest: second, resumedFrom: null, withoutCheckpoint: { of: 1, from: 0 } });
    expect(said.mock.calls.flat()).toEqual([
      'no checkpoint of epoch 1 is kept; training begins anew, and must arrive at the same state',
    ]);
    said.mockRestore();
  });
});
