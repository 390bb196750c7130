import { describe, expect, it } from 'vitest';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { batchPlan } from '../../datasets/index.ts';
import { UpdateOutcome } from '../../training/optimizers/loss-scale.ts';
import { type TrainingSession, trainToEndOfEpoch } from '../../training/session.ts';

const { applied, skipped, exhausted } = UpdateOutcome;

/** A session of four steps an epoch whose losses, and outcomes where there are any, are given. */
function session(results: readonly (readonly number[])[]): TrainingSession {
  let at = 0;
  const step = () => (results[at++] ?? []).map((value) => Float32Array.of(value));
  const config = trainingConfigSchema.parse({ batch: 2, precision: 'float16' });
  return {
    config,
    count: 8,
    stepsPerEpoch: 4,
    planOf: (epoch: number) => batchPlan({ count: 8, batch: 2, seed: 0, epoch }),
    step,
    source: { batches: () => ({ next: async () => [], close: async () => {} }) },
    at: { epoch: 0, step: 0 },
    lossSum: 0,
    overflows: 0,
    best: null,
  } as unknown as TrainingSession;
}

describe('an epoch in float16', () => {
  it('takes its mean over the losses that did not overflow', async () => {
    const training = session([
      [Number.POSITIVE_INFINITY, skipped],
      [4, skipped],
      [2, applied],
      [3, applied],
    ]);
    const seen: (number | undefined)[] = [];
    const loss = await trainToEndOfEpoch(training, async (_, __, each) => {
      seen.push(each);
      return false;
    });
    expect(loss).toBe(3);
    expect(seen).toEqual([undefined, 4, 2, 3]);
    expect(training.overflows).toBe(0);
  });

  const go = (results: Parameters<typeof session>[0]) => trainToEndOfEpoch(session(results), async () => false);

  it('ends where a scale of 1 does not help, even if the loss is finite', async () => {
    await expect(go([[2, exhausted]])).rejects.toMatchObject({ code: 'NonFiniteLoss' });
    await expect(go([[2, exhausted]])).rejects.toThrow(/step 1 of epoch 1, even with a loss scale of 1/);
  });

  it('ends where no loss was finite', async () => {
    await expect(go(Array.from({ length: 4 }, () => [Number.NaN, skipped] as const))).rejects.toThrow(
      /No step of epoch 1 had a finite loss/,
    );
  });

  it('ends at a loss that is not finite though its gradients are', async () => {
    await expect(go([[Number.NaN, applied]])).rejects.toThrow(/The loss became NaN at step 1/);
    await expect(go([[Number.NaN]])).rejects.toThrow(/The loss became NaN at step 1/);
  });
});
