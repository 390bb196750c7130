import type { CheckpointManifest } from '../../contracts/checkpoints.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { NewCheckpoint } from '../../store/index.ts';

/** To the thread: one checkpoint, whose tensors it now owns. */
export interface WriteRequest {
  readonly id: number;
  readonly storeUrl: string;
  readonly key: StepKey;
  readonly lease: { readonly token: number; readonly owner: string };
  readonly checkpoint: NewCheckpoint;
  readonly keep: { readonly last: number; readonly best: number };
}

/** From the thread: it is durable, or why it is not. */
export type WriteAnswer =
  | { readonly id: number; readonly manifest: CheckpointManifest }
  | { readonly id: number; readonly code: ErrorCode | null; readonly message: string };
