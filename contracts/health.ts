import { z } from 'zod';
import { durationSchema } from './duration.ts';

/** What can be done about a training that is not well. */
const healthActionSchema = z
  .enum(['ignore', 'fail', 'pause', 'stop', 'retry'])
  .describe(
    'pause waits for a person, stop keeps the best epoch, retry goes back to the last good epoch with a lower learning rate',
  );
export type HealthAction = z.infer<typeof healthActionSchema>;

export const healthSchema = z.strictObject({
  nonFiniteLoss: z
    .strictObject({ action: z.enum(['fail', 'pause', 'stop', 'retry']).default('fail') })
    .prefault({})
    .describe('the loss is no number, or infinite'),
  collapse: z
    .strictObject({
      tolerance: z.number().min(0).max(1).default(0.002).describe('relative distance from the loss of a collapse'),
      epochs: z.int().min(1).default(5).describe('in a row'),
      action: healthActionSchema.default('fail'),
    })
    .prefault({})
    .describe(
      'the loss stays at its value where every image has the same projection, which is ln(2N - 1) for SupCon; where class vectors are learned there is none',
    ),
  withoutPositives: z
    .strictObject({
      share: z.number().min(0).max(1).default(0.5).describe('of the batches of an epoch'),
      action: healthActionSchema.default('fail'),
    })
    .prefault({})
    .describe(
      'more batches than this are expected to hold no two images of one class, so labels have no effect on them; not counted where class vectors are learned',
    ),
  plateau: z
    .strictObject({
      epochs: z.int().min(1).default(10),
      minimumDelta: z.number().min(0).default(0.001),
      action: healthActionSchema.default('retry'),
    })
    .optional()
    .describe('the loss has not fallen by minimumDelta for so many epochs'),
  retry: z
    .strictObject({
      times: z.int().min(1).max(100).default(3).describe('for each rule'),
      factor: z.number().positive().lt(1).default(0.5).describe('what the learning rate is multiplied by, each time'),
      otherwise: z.enum(['fail', 'pause', 'stop']).default('fail').describe('what is done after the last time'),
    })
    .prefault({}),
});

export const stopSchema = z.strictObject({
  patience: z.int().min(1).optional().describe('epochs without a lower loss'),
  minimumDelta: z.number().min(0).default(0).describe('what counts as lower'),
  after: durationSchema.optional().describe('time spent on training, over all attempts: 2h, 1d'),
});
export type StopConfig = z.infer<typeof stopSchema>;

/** Settings of a training that decide none of its numbers. Absent ones take their defaults when they are used. */
export const watchSettings = {
  health: healthSchema.optional().describe('what is done when the training is not well'),
  stop: stopSchema.optional().describe('when to stop before the last epoch; the best epoch is kept'),
};
