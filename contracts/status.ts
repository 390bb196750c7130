import type { Question } from './approval.ts';
import type { EpochMetrics } from './checkpoints.ts';
import type { Json } from './json.ts';
import type { StepKindName } from './step-kinds.ts';

/**
 * `cancelled`: stopped because the run was, or because nothing could use its result any more. `skipped`: its `when` was
 * false, or a step that it needs was skipped. `paused`: stopped at a checkpoint until a person lets it go on.
 */
export type StepState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled' | 'skipped';

/** A step whose work failed and is tried again. */
export interface StepTrouble {
  /** Which attempt runs or comes next, from 1; those before it failed. */
  readonly attempt: number;
  /** What the last one failed with. */
  readonly error: { readonly type: string; readonly message: string };
  /** When the next attempt begins; null while it runs, or waits for a worker. */
  readonly nextTry: string | null;
  /** It failed so often that another attempt alone is not likely to help. */
  readonly stuck: boolean;
}

/** A step is called stuck after so many failed attempts. */
export const stuckAfter = 5;

/** What a person wants to know of a step. */
export interface StepStatus {
  readonly id: string;
  readonly uses: StepKindName;
  readonly needs: readonly string[];
  /** What it is of in a list, where its id does not show it. */
  readonly item?: string;
  readonly state: StepState;
  /** Times that it was started in this run, resumes included; 0 for a result that was reused. */
  readonly attempts: number;
  /** The result was taken from an earlier attempt of the run, not computed again. */
  readonly reused: boolean;
  /** The run and step that the result was taken from, where that is another run. */
  readonly from?: { readonly run: string; readonly step: string };
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** For training: epochs done, and of how many. */
  readonly epoch: number | null;
  readonly epochs: number | null;
  readonly metrics: EpochMetrics | null;
  readonly result: { readonly [key: string]: Json } | null;
  /** Of a training whose checkpoint was gone when it was to go on from it: what was done about it. */
  readonly lost?: string;
  /** Why it was skipped, where that is not its own `when`. */
  readonly note?: string;
  readonly error: { readonly type: string; readonly message: string } | null;
  /** It is lost, and its matrix tolerates that: who needs all of it goes on with the others. */
  readonly tolerated?: boolean;
  /** What it asks of a person while it waits for one. */
  readonly asks?: Question | null;
  /** While it is running: what its last attempt failed with. Absent where all goes well. */
  readonly trouble?: StepTrouble;
}

/** The answer to the `status` query of a pipeline workflow. */
export interface PipelineStatus {
  readonly pipeline: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly steps: readonly StepStatus[];
}
