import { type StepKindName, stepKindNames, stepKinds } from './step-kinds.ts';

type Registry = typeof stepKinds;

/** The kinds of steps that are child workflows with an epoch loop. */
export type TrainingKindName = {
  [Name in StepKindName]: Registry[Name]['training'] extends true ? Name : never;
}[StepKindName];

export const isTrainingKind = (name: StepKindName): name is TrainingKindName => stepKinds[name].training;

export const trainingKindNames = stepKindNames.filter(isTrainingKind);
