import type { ProgressPoint } from '../../contracts/checkpoints.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { JobInput, JobResult, TrainerJob, TrainerProgress, TrainingEvent } from '../../contracts/trainer.ts';
import type { Store } from '../../store/index.ts';

/** What a job may use of the process that it runs in. */
export interface JobContext {
  readonly store: Store;
  readonly key: StepKey;
  /** Somebody asked the process to stop: checkpoint at the next step boundary and throw JobStopped. */
  readonly stopRequested: () => boolean;
  /** Also says that the process is alive; cheap enough to call at every step. */
  readonly progress: (progress: TrainerProgress) => void;
  /** Told of checkpoints; absent where nobody shows them. */
  readonly onTraining?: (event: TrainingEvent) => void;
}

/** What the trainer process can do, by job. */
export type JobHandlers = {
  readonly [J in TrainerJob]: (input: JobInput<J>, context: JobContext) => Promise<JobResult<J>>;
};

/** Thrown by a job that stopped because it was asked to, with the checkpoint that it left. */
export class JobStopped extends Error {
  override readonly name = 'JobStopped';

  constructor(readonly at: ProgressPoint | null) {
    super('the job was asked to stop');
  }
}

/** @throws JobStopped when somebody asked the process to stop */
export function stopIfAsked({ stopRequested }: Pick<JobContext, 'stopRequested'>): void {
  if (stopRequested()) throw new JobStopped(null);
}
