import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { count, times } from '../contracts/counted.ts';
import { passesText } from '../contracts/passes-text.ts';
import type { TrainingSession } from './session.ts';

type Epoch = Pick<TrainingSession, 'count' | 'batch' | 'stepsPerEpoch'>;

/** How often an epoch goes through as many images as there are; nothing where it is once, or less than once for a last batch that is not whole. */
export function passesOf({ count: images, batch, stepsPerEpoch }: Epoch): Pick<EpochMetrics, 'passes'> {
  const isLonger = stepsPerEpoch > Math.max(1, Math.floor(images / batch));
  return isLonger ? { passes: (stepsPerEpoch * batch) / images } : {};
}

/** For the log of a training; null where its epochs are as long as its images make them. */
export function describePasses(epoch: Epoch): string | null {
  const { passes } = passesOf(epoch);
  if (passes === undefined) return null;
  const { count: images, batch, stepsPerEpoch } = epoch;
  return `minimumSteps: an epoch has ${times(stepsPerEpoch, 'step')} of ${times(batch, 'image')}, ${passesText(passes)} the ${count(images)} training images`;
}
