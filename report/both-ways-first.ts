import type { Inspection, LabelSuspect } from '../contracts/inspection.ts';

/** The listed suspects of the folds' classifiers, those first that kept checkpoints suspect as well. */
export const bothWaysFirst = ({ listed }: Inspection['suspects']): readonly LabelSuspect[] => [
  ...listed.filter(({ byLoss }) => byLoss === true),
  ...listed.filter(({ byLoss }) => byLoss !== true),
];
