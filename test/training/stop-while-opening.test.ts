import { expect, it } from 'vitest';
import { trainEpochInput } from '../../contracts/trainer.ts';
import { openCheckpoints } from '../../store/index.ts';
import { createTrainingJobs, JobStopped } from '../../training/index.ts';
import { generatedData, smallConfig } from './small-training.ts';

/** Checking a million images takes minutes, in which somebody may want a training to end. */
it('a training that is asked to stop while its images are checked stops there, and goes on as if it had not begun', async () => {
  const { store, dataset } = await generatedData(80);
  const key = { run: 'run-0', step: 'pretrain' };
  const input = trainEpochInput.parse({ ...key, dataset, config: smallConfig, checkpoint: {}, epoch: 1 });
  const phases: string[] = [];
  const context = (stopRequested: () => boolean) => ({
    ...{ store, key, stopRequested },
    progress: ({ phase }: { readonly phase: string }) => void phases.push(phase),
  });
  const jobs = createTrainingJobs();
  const stopped = jobs['train-epoch'](
    input,
    context(() => phases.at(-1) === 'checking images'),
  );
  await expect(stopped).rejects.toThrow(JobStopped);
  expect(phases.at(-1)).toBe('checking images');
  expect(await openCheckpoints(store, key).list()).toEqual([]);
  const { digest } = await jobs['train-epoch'](
    input,
    context(() => false),
  );
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
});
