import { describe, expect, it } from 'vitest';
import { trainEpochInput } from '../../contracts/trainer.ts';
import { openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { generatedData } from './small-training.ts';

/** While the checkpoint of an epoch is written, the next epoch has begun; what is durable decides all the same. */
const { store, dataset } = await generatedData(320);

/** Trains epochs one by one, as the workflow does; `fresh` starts a new process's worth of state for each. */
async function train(run: string, epochs: number, { fresh }: { fresh: boolean }) {
  const key = { run, step: 'pretrain' };
  let jobs = createTrainingJobs();
  let recorded: { epoch: number; digest: string } | undefined;
  const first: (number | undefined)[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (fresh) jobs = createTrainingJobs();
    const config = {
      encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
      projection: { hidden: 16, output: 8 },
      batch: 8,
      epochs,
    };
    const input = trainEpochInput.parse({ ...key, dataset, config, checkpoint: {}, epoch, recorded });
    let begin: number | undefined;
    const { digest } = await jobs['train-epoch'](input, {
      store,
      key,
      stopRequested: () => false,
      progress: ({ phase, done }) => {
        if (phase === `epoch ${epoch}`) begin ??= done;
      },
    });
    first.push(begin);
    recorded = { epoch, digest };
  }
  return { first, digest: recorded?.digest };
}

describe('training ahead of the checkpoint', () => {
  it('begins the next epoch while the one before is written, and changes no bit', async () => {
    const ahead = await train('ahead', 3, { fresh: false });
    const apart = await train('apart', 3, { fresh: true });
    expect(apart.first).toEqual([1, 1, 1]);
    expect(ahead.first[0]).toBe(1);
    expect(Math.max(...ahead.first.slice(1).map(Number))).toBeGreaterThan(1);
    expect(ahead.digest).toBe(apart.digest);
  });

  it('leaves only whole epochs in the store', async () => {
    const points = (await openCheckpoints(store, { run: 'ahead', step: 'pretrain' }).list()).map(
      ({ manifest: { epoch, step } }) => ({ epoch, step }),
    );
    expect(points.every(({ step }) => step === 0)).toBe(true);
    expect(points.at(-1)).toEqual({ epoch: 3, step: 0 });
  });
});
