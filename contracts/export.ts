import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { encoderOriginSchema } from './encoder-origin.ts';
import { errorCodes } from './errors.ts';

/** What of a run goes onto the card of its model, beside the evaluation. */
export const encoderHistorySchema = z.strictObject({
  origin: encoderOriginSchema,
  /** What retrievals by this encoder measured. */
  searches: z.array(z.strictObject({ step: z.string(), measures: z.record(z.string(), z.number().nullable()) })),
});
export type EncoderHistory = z.infer<typeof encoderHistorySchema>;

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
  /** Null where the run is gone. */
  history: encoderHistorySchema.nullable(),
  /** An empty folder to fill. */
  folder: z.string(),
});
export type ExportRequest = z.infer<typeof exportRequestSchema>;

/** What it answers, as its only line of output. */
export const exportAnswerSchema = z.union([
  z.strictObject({
    files: z.array(z.string()),
    difference: z.number(),
    /** Why the index was left out, where its files are gone or damaged. */
    indexLacks: z.string().optional(),
  }),
  z.strictObject({ code: z.enum(errorCodes), message: z.string() }),
]);
