import { type KindsRunBy, kindsRunBy, type StepKindName, stepKinds } from './step-kinds.ts';

/** The kinds of steps that are child workflows with an epoch loop. */
export type TrainingKindName = KindsRunBy<'training'>;

export const isTrainingKind = (name: StepKindName): name is TrainingKindName => stepKinds[name].runs === 'training';

export const trainingKindNames = kindsRunBy('training');
