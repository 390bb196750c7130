import { type ActivityContext, attempt } from './context.ts';
import { toTemporalFailure } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { linearProbe } from './linear-probe.ts';
import { type CheckParametersInput, checkParameters, type FinishedStepsInput, finishedSteps } from './lookups.ts';
import { notify } from './notify.ts';
import { prepareData } from './prepare-data.ts';
import { promote } from './promote.ts';
import {
  type PrepareScheduledRunInput,
  prepareScheduledRun,
  type RecordCompletedInput,
  recordCompleted,
} from './schedules.ts';
import type { StepInput } from './step-input.ts';
import {
  type FinishTrainingStepInput,
  finishTraining,
  type TrainEpochStepInput,
  type TrainingStepInput,
  trainEpoch,
  trainingProgress,
} from './training.ts';

export type { ActivityContext } from './context.ts';
export type Activities = ReturnType<typeof createActivities>;

/** The activities, as the worker registers them and the workflows call them. */
export function createActivities(context: ActivityContext) {
  return {
    prepareData: (input: StepInput) => attempt(() => prepareData(context, input)),
    trainEpoch: (input: TrainEpochStepInput) => attempt(() => trainEpoch(context, input)),
    finishTraining: (input: FinishTrainingStepInput) => attempt(() => finishTraining(context, input)),
    linearProbe: (input: StepInput) => attempt(() => linearProbe(context, input)),
    evaluate: (input: StepInput) => attempt(() => evaluate(context, input)),
    promote: (input: StepInput) => attempt(() => promote(context, input)),
    notify: (input: StepInput) => attempt(() => notify(context, input)),
    trainingProgress: (input: TrainingStepInput) => translated(() => trainingProgress(context, input)),
    finishedSteps: (input: FinishedStepsInput) => translated(() => finishedSteps(context, input)),
    prepareScheduledRun: (input: PrepareScheduledRunInput) => translated(() => prepareScheduledRun(context, input)),
    recordCompleted: (input: RecordCompletedInput) => translated(() => recordCompleted(context, input)),
    checkParameters: (input: CheckParametersInput) => translated(() => checkParameters(input)),
  };
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toTemporalFailure(error);
  }
}
