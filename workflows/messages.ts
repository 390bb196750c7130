import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { EpochMetrics } from '../contracts/checkpoints.ts';
import type { PipelineStatus } from '../contracts/status.ts';

/** What a training tells the pipeline that it is a step of. */
export interface StepProgress {
  readonly step: string;
  readonly epoch: number;
  readonly epochs: number;
  readonly metrics: EpochMetrics;
  /** Attempts that were lost so far: to crashes, restarts, or workers that went away. */
  readonly retries: number;
}

export const statusQuery = defineQuery<PipelineStatus>('status');
export const stepProgressSignal = defineSignal<[StepProgress]>('step-progress');

/** The answer to the `progress` query of a training workflow. */
export const progressQuery = defineQuery<StepProgress | null>('progress');
