import { type KindsRunBy, kindsRunBy, type StepKindName, stepKinds } from './step-kinds.ts';

/** The kinds of steps that are child workflows with an epoch loop. */
export type TrainingKindName = KindsRunBy<'training'>;

export const isTrainingKind = (name: StepKindName): name is TrainingKindName => stepKinds[name].runs === 'training';

/** Whether a step is a child workflow with an activity for each shard. */
export const isShardsKind = (name: StepKindName): name is KindsRunBy<'shards'> => stepKinds[name].runs === 'shards';

export const trainingKindNames = kindsRunBy('training');

/** The kinds of steps whose encoder no other step had before: trainings, weights from elsewhere, and adapters put on an encoder. */
export const encoderKindNames: readonly StepKindName[] = [...trainingKindNames, 'load-encoder', 'adapt'];
