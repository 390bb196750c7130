import { z } from 'zod';
import { artifactRefSchema } from '../../contracts/artifacts.ts';
import { encoderAboutSchema } from '../../contracts/encoder.ts';
import { errorCodes } from '../../contracts/errors.ts';
import { classifierAboutSchema } from '../../contracts/evaluation.ts';

/** What the process of a model is started with, as its one argument. */
export const modelRequestSchema = z.strictObject({
  storeUrl: z.string().min(1),
  encoder: artifactRefSchema.extend({ kind: z.literal('encoder') }),
  classifier: artifactRefSchema.extend({ kind: z.literal('classifier') }).nullable(),
});
export type ModelRequest = z.infer<typeof modelRequestSchema>;

/** Images to compute; the body of the frame is their bytes, uint8 [count, height, width, channels]. */
export const askedSchema = z.strictObject({ id: z.int().positive(), count: z.int().positive().max(4096) });
export type Asked = z.infer<typeof askedSchema>;

const failureShape = { code: z.enum(errorCodes), message: z.string() };

/**
 * What the process says: that it is ready, or why it cannot be; and for each request its answer, whose body is the embeddings,
 * float32 [count, dimension], and then the logits, float32 [count, classes], where there is a classifier; or an error.
 */
export const saidSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('ready'),
    encoder: encoderAboutSchema,
    classifier: classifierAboutSchema.nullable(),
  }),
  z.strictObject({ type: z.literal('unusable'), ...failureShape }),
  z.strictObject({ type: z.literal('answer'), id: z.int().positive() }),
  z.strictObject({ type: z.literal('error'), id: z.int().positive(), ...failureShape }),
]);
export type Said = z.infer<typeof saidSchema>;
