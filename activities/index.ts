import { choose } from './choose.ts';
import { compare } from './compare.ts';
import { type ActivityContext, attempt, withHeartbeat } from './context.ts';
import { toTemporalFailure } from './errors.ts';
import { type LookUpStepInput, lookUpStep } from './look-up-step.ts';
import { type CheckParametersInput, checkParameters, type FinishedStepsInput, finishedSteps } from './lookups.ts';
import { notify } from './notify.ts';
import { type OpenTrainingInput, openTraining, type RecordChangesInput, recordChanges } from './open-training.ts';
import { prepareData } from './prepare-data.ts';
import { promote } from './promote.ts';
import { report } from './report.ts';
import {
  type PrepareScheduledRunInput,
  prepareScheduledRun,
  type RecordCompletedInput,
  recordCompleted,
} from './schedules.ts';
import type { StepInput } from './step-input.ts';
import { unlessFinished } from './step-result.ts';
import { trainerStep } from './trainer-step.ts';
import {
  type CloseTrainerInput,
  closeTrainer,
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
  /** An activity that is all of a step's work. */
  const work =
    (of: (context: ActivityContext, input: StepInput) => ReturnType<typeof prepareData>) => (input: StepInput) =>
      attempt(() => unlessFinished(context, input, () => of(context, input)));
  return {
    prepareData: work(prepareData),
    trainEpoch: (input: TrainEpochStepInput) => attempt(() => trainEpoch(context, input)),
    finishTraining: (input: FinishTrainingStepInput) =>
      attempt(() => unlessFinished(context, input, () => finishTraining(context, input))),
    linearProbe: work(trainerStep('linear-probe')),
    evaluate: work(trainerStep('evaluate')),
    promote: work(promote),
    notify: work(notify),
    choose: work(choose),
    report: work(report),
    learningCurve: work(trainerStep('learning-curve')),
    compare: work(compare),
    robustness: work(trainerStep('robustness')),
    outOfDistribution: work(trainerStep('out-of-distribution')),
    closeTrainer: (input: CloseTrainerInput) => translated(() => closeTrainer(context, input), input),
    lookUpStep: (input: LookUpStepInput) => translated(() => lookUpStep(context, input), input),
    openTraining: (input: OpenTrainingInput) => translated(() => openTraining(context, input), input),
    recordChanges: (input: RecordChangesInput) => translated(() => recordChanges(context, input), input),
    trainingProgress: (input: TrainingStepInput) => translated(() => trainingProgress(context, input), input),
    finishedSteps: (input: FinishedStepsInput) => translated(() => finishedSteps(context, input)),
    prepareScheduledRun: (input: PrepareScheduledRunInput) => translated(() => prepareScheduledRun(context, input)),
    recordCompleted: (input: RecordCompletedInput) => translated(() => recordCompleted(context, input)),
    checkParameters: (input: CheckParametersInput) => translated(() => checkParameters(input), input),
  };
}

/** @param of the step that it is for: Temporal shows an activity without its input, so the heartbeat says it */
async function translated<T>(work: () => Promise<T>, of?: { readonly step: string }): Promise<T> {
  try {
    return await withHeartbeat(work, of ? { step: of.step } : null);
  } catch (error) {
    throw toTemporalFailure(error);
  }
}
