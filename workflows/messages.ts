import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ApproveRequest } from '../contracts/approval.ts';
import type { EpochMetrics } from '../contracts/checkpoints.ts';
import type { EmbeddingProgress } from '../contracts/embedding.ts';
import type { Json } from '../contracts/json.ts';
import type { PipelineStatus } from '../contracts/status.ts';

/** What a training tells the pipeline that it is a step of. */
export interface StepProgress {
  readonly step: string;
  readonly epoch: number;
  readonly epochs: number;
  readonly metrics: EpochMetrics;
  /** Attempts that were lost so far: to crashes, restarts, or workers that went away. */
  readonly retries: number;
  /** The checkpoint that it was to go on from is gone, and what is done about it: a sentence. */
  readonly lost?: string;
}

export const statusQuery = defineQuery<PipelineStatus>('status');
export const stepProgressSignal = defineSignal<[StepProgress]>('step-progress');

/** The answer to the `progress` query of a training workflow. */
export const progressQuery = defineQuery<StepProgress | null>('progress');

/** The answer to the query of an embedding; null until its images are listed. */
export const embeddingProgressQuery = defineQuery<EmbeddingProgress | null>('embedding-progress');

/** A training has stopped at a checkpoint, or goes on from it. */
export interface StepPaused {
  readonly step: string;
  readonly paused: boolean;
}
export const stepPausedSignal = defineSignal<[StepPaused]>('step-paused');

/** From an activity to its run: an attempt at a step's work failed and is made again, or one has succeeded since. */
export interface StepTroubleReport {
  readonly step: string;
  /** The attempt that failed; null once the work goes on. */
  readonly failed: {
    readonly attempt: number;
    readonly type: string;
    readonly message: string;
    /** When the next begins, at the earliest. */
    readonly nextTry: string;
  } | null;
}
export const stepTroubleSignal = defineSignal<[StepTroubleReport]>('step-trouble');

export interface PauseRequest {
  /** Only these steps; without any, the whole run. */
  readonly steps?: readonly string[];
  readonly reason?: string;
}

export interface UnpauseRequest {
  readonly steps?: readonly string[];
  /** New values of parameters of the one step that is named, by path: `optimizer.learningRate`. */
  readonly set?: { readonly [path: string]: Json };
}

/** Each update answers with the steps that it concerns. */
export const pauseUpdate = defineUpdate<readonly string[], [PauseRequest]>('pause');
export const unpauseUpdate = defineUpdate<readonly string[], [UnpauseRequest]>('unpause');
/** Does a failed step, and what was cancelled because of it, again while the run goes on. */
export const retryUpdate = defineUpdate<readonly string[], [{ readonly step: string }]>('retry');

/** Answers a step that waits for a person. */
export const approveUpdate = defineUpdate<string, [ApproveRequest]>('approve');

export interface SetRequest {
  readonly step: string;
  /** Of a parameter: `epochs`, `stop.patience`. */
  readonly path: string;
  readonly value: Json;
}
/** Changes a parameter of a step that has not begun, or of a training where the table of changes allows it. */
export const setUpdate = defineUpdate<string, [SetRequest]>('set');

/** From a training to its pipeline: what became of a change. */
export interface StepChanged {
  readonly id: string;
  /** Why it was not made; null where it was. */
  readonly refused: string | null;
}
export const stepChangedSignal = defineSignal<[StepChanged]>('step-changed');

/** From a pipeline to one of its trainings. */
export const setTrainingSignal =
  defineSignal<[{ readonly id: string; readonly path: string; readonly value: Json }]>('setTraining');
export const pauseTrainingSignal = defineSignal('pauseTraining');
export const unpauseTrainingSignal =
  defineSignal<[{ readonly set?: { readonly [path: string]: Json } }]>('unpauseTraining');
