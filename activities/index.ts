import type { Json } from '../contracts/json.ts';
import type { KindsRunBy } from '../contracts/step-kinds.ts';
import { type JobKindName, jobKindNames } from '../contracts/trainer.ts';
import { type RecordDecisionInput, recordDecision } from './approve.ts';
import { buildIndex } from './build-index.ts';
import { choose } from './choose.ts';
import { compare } from './compare.ts';
import { type ActivityContext, type Attempted, attempt, withHeartbeat } from './context.ts';
import {
  type EmbedShardInput,
  embedShard,
  type GatherEmbeddingInput,
  gatherEmbedding,
  planEmbedding,
} from './embed-images.ts';
import { toTemporalFailure } from './errors.ts';
import { loadEncoder } from './load-encoder.ts';
import { type LookUpStepInput, lookUpStep } from './look-up-step.ts';
import { type CheckParametersInput, checkParameters } from './lookups.ts';
import { notify } from './notify.ts';
import { type OpenTrainingInput, openTraining, type RecordChangesInput, recordChanges } from './open-training.ts';
import { own } from './own.ts';
import { prepareData } from './prepare-data.ts';
import { promote } from './promote.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import {
  type PrepareScheduledRunInput,
  prepareScheduledRun,
  type RecordCompletedInput,
  recordCompleted,
} from './schedules.ts';
import type { StepInput } from './step-input.ts';
import { unlessFinished } from './step-result.ts';
import { sweep } from './sweep.ts';
import { trainerStep } from './trainer-step.ts';
import {
  type CloseTrainerInput,
  closeTrainer,
  type FinishTrainingStepInput,
  finishTraining,
  type TrainEpochStepInput,
  trainEpoch,
} from './training.ts';
import { trial } from './trial.ts';
import { useModel } from './use-model.ts';
import { createWebhookCheck } from './webhook.ts';

export type { ActivityContext } from './context.ts';
export type Activities = ReturnType<typeof createActivities>;

type StepWork = (context: ActivityContext, input: StepInput) => Promise<{ readonly [key: string]: Json }>;

/** The work of each kind of step that a worker does, itself or by a process of the user's code. */
const inWorker: Readonly<Record<KindsRunBy<'activity' | 'process'>, StepWork>> = {
  'prepare-data': prepareData,
  'build-index': buildIndex,
  choose,
  compare,
  notify,
  promote,
  report,
  sweep,
  trial,
  'use-model': useModel,
  run,
  own,
};
const inTrainer = Object.fromEntries(jobKindNames.map((kind) => [kind, trainerStep(kind)])) as Readonly<
  Record<JobKindName, StepWork>
>;
const stepWork = { ...inWorker, ...inTrainer, 'load-encoder': loadEncoder };

/** An activity that is all of a step's work; its name is that of the kind. */
type StepActivity = (input: StepInput) => Promise<Attempted<{ readonly [key: string]: Json }>>;

/** The activities, as the worker registers them and the workflows call them. */
export function createActivities(context: ActivityContext) {
  const requireWebhooks = createWebhookCheck(context);
  const steps = Object.fromEntries(
    Object.entries(stepWork).map(([kind, work]): [string, StepActivity] => [
      kind,
      (input) => attempt(() => unlessFinished(context, input, () => work(context, input))),
    ]),
  ) as Readonly<Record<keyof typeof stepWork, StepActivity>>;
  return {
    ...steps,
    planEmbedding: (input: StepInput) => attempt(() => planEmbedding(context, input)),
    embedShard: (input: EmbedShardInput) => attempt(() => embedShard(context, input)),
    gatherEmbedding: (input: GatherEmbeddingInput) => attempt(() => gatherEmbedding(context, input)),
    trainEpoch: (input: TrainEpochStepInput) => attempt(() => trainEpoch(context, input)),
    finishTraining: (input: FinishTrainingStepInput) =>
      attempt(() => unlessFinished(context, input, () => finishTraining(context, input))),
    recordDecision: (input: RecordDecisionInput) => translated(() => recordDecision(context, input), input),
    closeTrainer: (input: CloseTrainerInput) => translated(() => closeTrainer(context, input), input),
    lookUpStep: (input: LookUpStepInput) =>
      translated(async () => {
        await requireWebhooks(input);
        return lookUpStep(context, input);
      }, input),
    openTraining: (input: OpenTrainingInput) => translated(() => openTraining(context, input), input),
    recordChanges: (input: RecordChangesInput) => translated(() => recordChanges(context, input), input),
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
