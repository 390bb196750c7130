/** The kinds of steps that are child workflows with an epoch loop. */
export const trainingKindNames = ['pretrain', 'train-classifier'] as const;
export type TrainingKindName = (typeof trainingKindNames)[number];

export const isTrainingKind = (name: string): name is TrainingKindName =>
  (trainingKindNames as readonly string[]).includes(name);
