import type { CheckpointManifest, EpochMetrics, ProgressPoint, RejectedCheckpoint } from '../contracts/checkpoints.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import type { Lease } from './leases.ts';
import type { Keep } from './retention.ts';
import type { StoredTensor } from './safetensors.ts';

/**
 * The checkpoints of one training.
 *
 * Owns: `runs/<run>/steps/<step>/checkpoints/<name>/{state.safetensors,manifest.json,pinned}`.
 * Does not own: who may train (leases), or what the state means (training).
 *
 * C1. A checkpoint with a manifest is whole: the state is written, read back and compared first, the manifest last.
 * C2. The SHA-256 of the state file is the digest of the whole training state: nothing about time, run or process is in it.
 * C3. A commit under a lease that was taken over fails and leaves nothing that a reader would see.
 * C4. A damaged checkpoint is reported and skipped, never used and never removed. One that the disk cannot read (EIO) is
 * skipped as long as another can be read; where none can, or one cannot be read for another reason, that is an error: what
 * is there must not be trained anew.
 * C5. Retention leaves at least two checkpoints that verify, where there were two.
 */
export interface Checkpoints {
  /**
   * Writes a checkpoint. Durable and verified when it returns.
   *
   * @throws ContrailError StaleLease when another process has taken the lease
   * @throws ContrailError CorruptCheckpoint when the store reads back other bytes than were written
   */
  readonly commit: (lease: Lease, checkpoint: NewCheckpoint) => Promise<CheckpointManifest>;
  /** Checkpoints with a sound manifest, the oldest first; their states are not checked. */
  readonly list: () => Promise<readonly NamedManifest[]>;
  /** The names of all, damaged ones too, the oldest first. */
  readonly names: () => Promise<readonly string[]>;
  /**
   * The newest checkpoint, not past a point, whose state verifies; with the newer ones that were skipped, and why.
   *
   * @param options.wholeEpochs passes over the checkpoints within an epoch
   * @param options.belongs passes over those for which it says no; what it throws is thrown
   * @throws ContrailError StoreUnreadable
   */
  readonly newestValid: (options?: {
    readonly upTo?: ProgressPoint;
    readonly wholeEpochs?: boolean;
    readonly belongs?: (manifest: CheckpointManifest) => boolean;
  }) => Promise<{
    readonly newest: LoadedCheckpoint | null;
    readonly rejected: readonly RejectedCheckpoint[];
  }>;
  /** @throws ContrailError CorruptCheckpoint that says what is wrong with it */
  readonly load: (name: string) => Promise<LoadedCheckpoint>;
  /** Checks a checkpoint as `load` does. @throws ContrailError CorruptCheckpoint */
  readonly verify: (name: string) => Promise<CheckpointManifest>;
  /** Removes what the retention rule does not keep, and what killed processes left half-written; returns the names. */
  readonly retain: (keep: Keep) => Promise<readonly string[]>;
  /** Removes what lies past the end of an epoch, but for the pinned and the damaged; returns the names. */
  readonly discardAfter: (lease: Lease, epoch: number) => Promise<readonly string[]>;
  /**
   * Takes over a checkpoint of another training, bit for bit.
   *
   * @throws ContrailError CorruptCheckpoint when that does not verify
   */
  readonly adopt: (lease: Lease, from: StepKey, name: string) => Promise<CheckpointManifest>;
  /** Keeps a checkpoint until it is unpinned. @throws ContrailError CorruptCheckpoint when there is none of that name */
  readonly pin: (name: string) => Promise<void>;
  readonly unpin: (name: string) => Promise<void>;
}

export interface NewCheckpoint extends ProgressPoint {
  readonly config: Readonly<Record<string, Json>>;
  readonly metrics: EpochMetrics | null;
  readonly best: CheckpointManifest['best'];
  readonly tensors: readonly StoredTensor[];
  /** Kept in the state file, so part of its digest; `epoch`, `step`, `configHash` and `best` are set from the above. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NamedManifest {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  /** Of the state file, as recorded. */
  readonly bytes: number;
  readonly pinned: boolean;
}

export interface LoadedCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}
