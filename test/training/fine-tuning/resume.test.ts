import { describe, expect, it } from 'vitest';
import { JobStopped } from '../../../training/index.ts';
import { fineTuned, small, together } from './fine-tuned.ts';

/** All that fine-tuning adds, together with small views and batches of classes that the epoch before confused. */
const config = {
  ...{ ...small, ...together },
  optimizer: { name: 'adam', learningRate: 0.01, weightDecay: 0.05 },
  multiCrop: { views: 2, size: 12 },
  sampler: { balanced: { perClass: 4, within: 'confused' } },
};
const { open } = await fineTuned();

describe('a training with everything that fine-tuning adds', () => {
  it('ends with the same bits when it is stopped within an epoch, and goes on in another process', async () => {
    const whole = open('whole', config);
    const first = { epoch: 1, digest: (await whole.train(1)).digest };
    const { digest } = await whole.train(2, first);
    // The same first epoch: the stop is within the second, whose batches follow from it.
    expect((await open('stopped', config).train(1)).digest).toBe(first.digest);
    await expect(open('stopped', config).train(2, first, 3)).rejects.toBeInstanceOf(JobStopped);
    const again = await open('stopped', config).train(2, first);
    expect(again.resumedFrom).toEqual({ epoch: 1, step: 2 });
    expect(again.digest).toBe(digest);
  });

  it('does so in float16', async () => {
    const half = { ...config, precision: 'float16' };
    const { digest } = await open('whole-half', half).train(1);
    await expect(open('stopped-half', half).train(1, undefined, 3)).rejects.toBeInstanceOf(JobStopped);
    const again = await open('stopped-half', half).train(1);
    expect(again.resumedFrom).toEqual({ epoch: 0, step: 2 });
    expect(again.digest).toBe(digest);
  });
});
