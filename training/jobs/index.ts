import type { JobHandlers } from '../process/job.ts';
import { finishTraining } from './finish-training.ts';
import { sampleViews } from './sample-views.ts';
import { trainEpoch } from './train-epoch.ts';
import { createTrainingSlot } from './training-slot.ts';

/** The jobs of a training. Those that train share one, kept in memory from epoch to epoch. */
export function createTrainingJobs(): Pick<JobHandlers, 'train-epoch' | 'finish-training' | 'sample-views'> {
  const slot = createTrainingSlot();
  return {
    'train-epoch': (input, context) => trainEpoch(slot, input, context),
    'finish-training': (input, context) => finishTraining(slot, input, context),
    'sample-views': sampleViews,
  };
}
