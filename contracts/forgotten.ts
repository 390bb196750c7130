import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';
import { modelNameSchema } from './models.ts';

/** What was made with an image and cannot forget it, and where its pictures were. */
export const forgottenUsesSchema = z.strictObject({
  /** Data sets that held it. */
  datasets: z.array(digestSchema),
  /** Artifacts of which files were removed, those data sets among them. */
  emptied: z.array(z.strictObject({ artifact: artifactRefSchema, files: z.array(z.string()) })),
  /** Encoders and classifiers that were trained on it, or chosen by it. */
  trained: z.array(artifactRefSchema),
  /** Versions of models that are among those. */
  models: z.array(z.strictObject({ model: modelNameSchema, version: z.int().positive() })),
  /** Versions of models whose index lost files, so that it can no longer be searched; absent where there are none. */
  indexes: z
    .array(z.strictObject({ model: modelNameSchema, version: z.int().positive(), isCurrent: z.boolean() }))
    .optional(),
  /** Steps whose results name any of these. */
  runs: z.array(z.strictObject({ run: runIdSchema, steps: z.array(plannedStepIdSchema) })),
  /** What programs of the user's own made in these runs: what is in it is not known. */
  unknown: z.array(artifactRefSchema),
});
export type ForgottenUses = z.infer<typeof forgottenUsesSchema>;

/** `forgotten/<digest>.json`: an image that no data set may hold any more. */
export const forgottenSchema = z.strictObject({
  format: z.literal('contrail-forgotten/1'),
  /** As it was named. */
  image: z.string(),
  /** SHA-256 of what it was read from, and of its exact copies. */
  sources: z.array(digestSchema).min(1),
  at: z.iso.datetime(),
  /** User and machine. */
  by: z.string(),
  uses: forgottenUsesSchema,
});
export type Forgotten = z.infer<typeof forgottenSchema>;

const reasonBegins = 'was forgotten on ';

/** Why a data set is prepared without an image. */
export const forgottenReason = (at: string): string => `${reasonBegins}${at.slice(0, 10)}`;

/** Whether a file was rejected for that reason; it is no mistake of the data. */
export const wasForgotten = (reason: string): boolean => reason.startsWith(reasonBegins);
