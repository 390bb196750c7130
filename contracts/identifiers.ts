import { z } from 'zod';

/** Names that become workflow ids, folder names and search attributes: no separators, no surprises. */
export const stepIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, starting with a letter, at most 63');

/**
 * A step of a plan: the id in the pipeline, and for one of a matrix its values after an `@`, as in `pretrain@seed=1`.
 */
export const plannedStepIdSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}(@[A-Za-z0-9=,._-]{1,120})?$/,
    'must be a step id, with @ and its values for one of a matrix',
  );

export const runIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be letters, digits, dots, dashes and underscores, at most 128, and begin with a letter or a digit',
  );

/** A step of a run: what a trainer process, a lease and a series of checkpoints belong to. */
export const stepKeySchema = z.strictObject({ run: runIdSchema, step: plannedStepIdSchema });
export type StepKey = z.infer<typeof stepKeySchema>;
