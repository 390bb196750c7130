import { expect, it } from 'vitest';
import { type TrainingEvent, trainEpochInput, trainingEventSchema } from '../../contracts/trainer.ts';
import { openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** What a trainer tells its worker of leases and checkpoints, beside the results of its jobs. */
const { store, dataset } = await generatedData(80);
const key = { run: 'told', step: 'pretrain' };

/** A trainer, whose jobs tell what becomes of the training. */
function trainer() {
  const jobs = createTrainingJobs();
  return async (epoch: number, recorded?: { readonly epoch: number; readonly digest: string }) => {
    const events: TrainingEvent[] = [];
    const input = trainEpochInput.parse({
      ...{ ...key, dataset, config: smallConfig, epoch, recorded },
      checkpoint: { everySteps: 1, keep: { last: 50 } },
    });
    const { digest } = await jobs['train-epoch'](input, {
      ...{ store, key, stopRequested: () => false, progress: () => {} },
      onTraining: (event) => void events.push(trainingEventSchema.parse(event)),
    });
    return { digest, events };
  };
}

it('a trainer tells when it has a training, and of each checkpoint once it is durable', async () => {
  const first = trainer();
  const one = await first(1);
  expect(one.events[0]).toEqual({ type: 'opened', takenOver: false, from: null });
  const [last] = (await openCheckpoints(store, key).list()).slice(-1);
  const written = one.events.slice(1);
  // Those within the epoch are not kept once it is done.
  expect(written.length).toBeGreaterThan(1);
  expect(new Set(written.map(({ type }) => type))).toEqual(new Set(['checkpoint']));
  expect(written.at(-1)).toEqual({
    ...{ type: 'checkpoint', bytes: last?.manifest.state.bytes, seconds: expect.any(Number) },
  });
  // It has the training still, so it does not open it again.
  const two = await first(2, { epoch: 1, digest: one.digest });
  expect(new Set(two.events.map(({ type }) => type))).toEqual(new Set(['checkpoint']));
});

it('another trainer tells that it took the training over, and how old its checkpoint is', async () => {
  const before = (await openCheckpoints(store, key).list()).filter(({ manifest }) => manifest.step === 0);
  const [last] = before.slice(-1);
  const recorded = { epoch: 2, digest: last?.manifest.digest ?? '' };
  const { events } = await trainer()(3, recorded);
  expect(events[0]).toEqual({ type: 'opened', takenOver: true, from: last?.manifest.createdAt });
});
