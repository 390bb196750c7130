import { ContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import { type JobContext, stopIfAsked } from '../../training/index.ts';
import { spreadOver } from '../split-views.ts';
import { type CheckpointJudgement, judgeByCheckpoints } from './checkpoint-suspects.ts';
import type { Part } from './looks.ts';

/**
 * What the kept checkpoints of a training say of the labels of the training images that are looked at.
 *
 * @param most the images of a split that are looked at; all where absent
 * @throws ContrailError InvalidInput where there are no training images, or no checkpoints
 */
export async function askCheckpoints(
  training: StepKey,
  parts: readonly Part[],
  most: number | undefined,
  context: JobContext,
): Promise<CheckpointJudgement> {
  const train = parts.find(({ split }) => split === 'train');
  if (!train)
    throw new ContrailError(
      'InvalidInput',
      'The loss of kept checkpoints is measured on training images, and the data set has none. Leave `training` out.',
    );
  return judgeByCheckpoints(training, spreadOver(train.images, most), context, (phase, done, total, unit) => {
    context.progress({ phase, done, total, unit });
    stopIfAsked(context);
  });
}

/** The first training image, of those of all parts. */
export const startOfTrain = (parts: readonly Part[]): number => {
  const train = parts.findIndex(({ split }) => split === 'train');
  return parts.slice(0, train).reduce((sum, { rows }) => sum + rows.length, 0);
};
