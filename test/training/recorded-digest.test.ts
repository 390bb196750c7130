import { rm } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { permanentErrorCodes } from '../../contracts/errors.ts';
import { finishTrainingInput, trainEpochInput } from '../../contracts/trainer.ts';
import { acquireLease, openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs, JobStopped } from '../../training/index.ts';
import { generatedData, smallConfig } from './small-training.ts';

/**
 * What a training goes on from is the state that the run's history recorded, or nothing is trained. The checkpoints here are
 * valid in all they say of themselves: only the history knows that they are others.
 */
const { store, dataset } = await generatedData(80);
let key = { run: 'run-0', step: 'pretrain' };
let runs = 0;
beforeEach(() => {
  key = { run: `run-${++runs}`, step: 'pretrain' };
});

interface Recorded {
  readonly epoch: number;
  readonly digest: string;
}

/** A process's worth of fresh state, as after a crash. */
const context = (stopRequested = () => false) => ({ store, key, stopRequested, progress: () => {} });
const inputOf = (recorded?: Recorded) => ({
  ...key,
  dataset,
  config: smallConfig,
  checkpoint: { keep: { last: 50 } },
  recorded,
});

async function train(epoch: number, recorded?: Recorded, stopRequested?: () => boolean): Promise<Recorded> {
  const input = trainEpochInput.parse({ ...inputOf(recorded), epoch });
  const { digest } = await createTrainingJobs()['train-epoch'](input, context(stopRequested));
  return { epoch, digest };
}

const finish = (recorded: Recorded) =>
  createTrainingJobs()['finish-training'](finishTrainingInput.parse(inputOf(recorded)), context());

/** Puts another state in the place of a checkpoint: one weight differs, and file, digest and manifest agree. */
async function replaceNewest(): Promise<string> {
  const checkpoints = openCheckpoints(store, key);
  const { newest } = await checkpoints.newestValid();
  if (!newest) throw new Error('there is a checkpoint');
  const { manifest, metadata } = newest;
  const tensors = [...newest.tensors].map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape,
    data: Uint8Array.from(data),
  }));
  const weight = tensors.find(({ name }) => name.includes('conv'));
  if (!weight) throw new Error('there is a weight');
  const values = new Float32Array(weight.data.buffer);
  values[0] = (values[0] ?? 0) + 0.5;
  const lease = await acquireLease(store, key, 'somebody else');
  const { epoch, step, metrics, best } = manifest;
  const made = await checkpoints.commit(lease, {
    epoch,
    step,
    config: manifest.config,
    metrics,
    best,
    tensors,
    metadata,
  });
  return made.digest;
}

async function removeNewest(): Promise<void> {
  const newest = (await openCheckpoints(store, key).list()).at(-1);
  await rm(store.locate(`runs/${key.run}/steps/${key.step}/checkpoints/${newest?.name}`), { recursive: true });
}

const kept = async () => (await openCheckpoints(store, key).list()).map(({ name }) => name);
const mismatch = (...parts: string[]) => ({
  code: 'DigestMismatch',
  message: expect.stringMatching(new RegExp(parts.join('.*'))) as unknown,
});

describe('a state that is not the recorded one', () => {
  it('is not trained on, and the message names both digests', async () => {
    const recorded = await train(2, await train(1));
    const other = await replaceNewest();
    const before = await kept();
    await expect(train(3, recorded)).rejects.toMatchObject(
      mismatch(`${key.run}/pretrain after epoch 2`, other, recorded.digest),
    );
    expect(await kept()).toEqual(before);
  });

  it('gives no encoder', async () => {
    const recorded = await train(1);
    const other = await replaceNewest();
    await expect(finish(recorded)).rejects.toMatchObject(mismatch(other, recorded.digest));
  });

  it('is found when a lost epoch is trained again from one before it', async () => {
    const first = await train(1);
    const recorded = await train(2, first);
    await removeNewest();
    await replaceNewest();
    await expect(train(3, recorded)).rejects.toMatchObject(mismatch('after epoch 2', recorded.digest));
  });

  it('is found behind a checkpoint within the next epoch', async () => {
    const first = await train(1);
    await replaceNewest();
    const other = (await openCheckpoints(store, key).newestValid()).newest?.manifest.digest ?? '';
    // Somebody went on from the other state, and was stopped within epoch 2.
    const stopping = train(2, { epoch: 1, digest: other }, () => true);
    await expect(stopping).rejects.toBeInstanceOf(JobStopped);
    await expect(train(2, first)).rejects.toMatchObject(mismatch('after epoch 1', other, first.digest));
  });

  it('cannot pass by trying again', () => {
    expect(permanentErrorCodes).toContain('DigestMismatch');
  });
});

it('the recorded state is trained on, and gives its encoder', async () => {
  const recorded = await train(2, await train(1));
  await train(3, recorded);
  expect((await finish({ epoch: 3, digest: (await train(3, recorded)).digest })).encoder.kind).toBe('encoder');
});
