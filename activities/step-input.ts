import { z } from 'zod';
import { artifactRefSchema, codeRefSchema } from '../contracts/artifacts.ts';
import { stepKeySchema } from '../contracts/identifiers.ts';
import { ownKindSchema } from '../contracts/own-kind.ts';
import { trainingKindNames } from '../contracts/training-kinds.ts';

/** What the workflow gives the activity of a step. */
export const stepInputSchema = stepKeySchema.extend({
  parameters: z.record(z.string(), z.json()),
  inputs: z.record(z.string(), artifactRefSchema),
  /** The files of the user's own that it runs. */
  code: codeRefSchema.optional(),
  /** What a step of the user's own is. */
  own: ownKindSchema.optional(),
  fingerprint: z.string(),
});
export type StepInput = Readonly<z.input<typeof stepInputSchema>>;

/** What the workflow gives the activities of a training. */
export const trainingStepInputSchema = stepKeySchema.extend({
  uses: z.enum(trainingKindNames),
  dataset: artifactRefSchema,
  parameters: z.record(z.string(), z.json()),
});
