import { truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { trainEpochInput } from '../../contracts/trainer.ts';
import { openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** A training whose config changed between two epochs, on real checkpoints. */
const { store, dataset } = await generatedData(80);
const key = { run: 'run', step: 'pretrain' };

const config = (optimizer: object) => ({ ...smallConfig, optimizer });
const adam = config({ name: 'adam', learningRate: 0.01 });
const sgd = config({ name: 'sgd', learningRate: 0.1 });

/** Trains one epoch in a process's worth of fresh state. */
async function train(epoch: number, settings: object, of = key) {
  const input = trainEpochInput.parse({ ...of, dataset, checkpoint: { keep: { last: 50 } }, epoch, ...settings });
  const context = { store, key: of, stopRequested: () => false, progress: () => {} };
  const { digest } = await createTrainingJobs()['train-epoch'](input, context);
  return { epoch, digest };
}

const damage = async (epoch: number) => {
  for (const { name, manifest } of await openCheckpoints(store, key).list())
    if (manifest.epoch === epoch)
      await truncate(store.locate(`runs/${key.run}/steps/${key.step}/checkpoints/${name}/state.safetensors`), 100);
};

describe('a training whose config changed', () => {
  let first: { epoch: number; digest: string };
  let third: { epoch: number; digest: string };

  it('does not go on with another config unless it is told', async () => {
    first = await train(1, { config: adam });
    await expect(train(2, { config: sgd, recorded: first })).rejects.toMatchObject({
      code: 'ConfigMismatch',
      message: expect.stringContaining('optimizer.name: "adam" → "sgd"'),
    });
  });

  it('goes on with it from the next epoch, with new state for another optimizer', async () => {
    const second = await train(2, { config: adam, recorded: first });
    const earlier = [{ through: 2, dataset, config: adam }];
    third = await train(3, { config: sgd, recorded: second, earlier });
    const { newest } = await openCheckpoints(store, key).newestValid();
    expect(newest?.manifest.config.optimizer).toMatchObject({ name: 'sgd' });
    expect([...(newest?.tensors.keys() ?? [])].filter((name) => name.startsWith('optimizer/m/'))).toEqual([]);
  });

  it('trains lost epochs again, each with the config that it had, to the recorded digest', async () => {
    await damage(2);
    await damage(3);
    const earlier = [{ through: 2, dataset, config: adam }];
    await train(4, { config: sgd, recorded: third, earlier });
    const digests = (await openCheckpoints(store, key).list()).map(({ manifest }) => [manifest.epoch, manifest.digest]);
    expect(digests.filter(([epoch]) => epoch === 3)).toEqual([
      [3, third.digest],
      [3, third.digest],
    ]);
  });

  it('passes over epochs that were given up', async () => {
    const slower = config({ name: 'adam', learningRate: 0.005 });
    const earlier = [{ through: 1, dataset, config: adam }];
    await train(2, { config: slower, recorded: first, earlier });
    const { newest } = await openCheckpoints(store, key).newestValid({ upTo: { epoch: 2, step: 0 } });
    expect(newest?.manifest.config.optimizer).toMatchObject({ learningRate: 0.005 });
  });

  it('goes on by another loss, whose class vectors begin anew', async () => {
    const of = { ...key, run: 'losses' };
    const recorded = await train(1, { config: adam }, of);
    const earlier = [{ through: 1, dataset, config: adam }];
    await train(2, { config: { ...adam, loss: 'arcFace' }, recorded, earlier }, of);
    const { newest } = await openCheckpoints(store, of).newestValid();
    expect(newest?.manifest).toMatchObject({ epoch: 2, config: { loss: { arcFace: { margin: 0.5 } } } });
    expect(newest?.tensors.get('class_vectors/kernel')?.shape).toEqual([2, 4]);
  });

  it('cannot begin before the epoch that it was forked from', async () => {
    const input = { ...key, run: 'fork', dataset, checkpoint: {}, epoch: 3, config: adam, startsAt: 2 };
    const context = { store, key, stopRequested: () => false, progress: () => {} };
    await expect(createTrainingJobs()['train-epoch'](trainEpochInput.parse(input), context)).rejects.toMatchObject({
      code: 'CorruptCheckpoint',
    });
  });
});
