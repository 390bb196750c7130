import { z } from 'zod';
import { checkpointManifestSchema } from '../../contracts/checkpoints.ts';
import { errorCodes } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { Keep, NewCheckpoint } from '../../store/index.ts';

/** To the thread: one checkpoint, whose tensors it now owns. */
export interface WriteRequest {
  readonly id: number;
  readonly storeUrl: string;
  readonly key: StepKey;
  readonly lease: { readonly token: number; readonly owner: string };
  readonly checkpoint: NewCheckpoint;
  readonly keep: Keep;
}

/** From the thread: it is durable, or why it is not. */
export const writeAnswerSchema = z.union([
  z.strictObject({ id: z.int(), manifest: checkpointManifestSchema }),
  z.strictObject({ id: z.int(), code: z.enum(errorCodes).nullable(), message: z.string() }),
]);
export type WriteAnswer = z.infer<typeof writeAnswerSchema>;
