import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { errorCodes } from './errors.ts';

/** What the exporting process is told. */
export const exportRequestSchema = z.strictObject({
  storeUrl: z.string(),
  run: z.string(),
  encoder: artifactRefSchema,
  classifier: artifactRefSchema.nullable(),
  /** What look-alikes are searched in; absent where the model has none. */
  index: artifactRefSchema.optional(),
  /** Results of the run's evaluation, for the model card. */
  evaluation: z.record(z.string(), z.number().nullable()).nullable(),
  /** An empty folder to fill. */
  folder: z.string(),
});
export type ExportRequest = z.infer<typeof exportRequestSchema>;

/** What it answers, as its only line of output. */
export const exportAnswerSchema = z.union([
  z.strictObject({ files: z.array(z.string()), difference: z.number() }),
  z.strictObject({ code: z.enum(errorCodes), message: z.string() }),
]);
