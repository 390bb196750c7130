import { describe, expect, it } from 'vitest';
import { JobStopped } from '../../../training/index.ts';
import { fineTuned, small, together } from './fine-tuned.ts';

/** All that fine-tuning adds, together with small views and the balanced sampler. */
const config = {
  ...{ ...small, ...together },
  optimizer: { name: 'adam', learningRate: 0.01, weightDecay: 0.05 },
  multiCrop: { views: 2, size: 12 },
  sampler: { balanced: { perClass: 8 } },
};
const { open } = await fineTuned();

describe('a training with everything that fine-tuning adds', () => {
  for (const precision of ['float32', 'float16'])
    it(`ends with the same bits when it is stopped within an epoch, and goes on in another process (${precision})`, async () => {
      const settings = { ...config, precision };
      const { digest, ...whole } = await open(`whole-${precision}`, settings).train(1);
      expect(whole.resumedFrom).toBeNull();
      const run = `stopped-${precision}`;
      await expect(open(run, settings).train(1, undefined, 3)).rejects.toBeInstanceOf(JobStopped);
      const again = await open(run, settings).train(1);
      expect(again.resumedFrom).toEqual({ epoch: 0, step: 2 });
      expect(again.digest).toBe(digest);
    });
});
