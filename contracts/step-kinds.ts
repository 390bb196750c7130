import type { z } from 'zod';
import { adapt } from './kinds/adapt.ts';
import { approve } from './kinds/approve.ts';
import { buildIndex } from './kinds/build-index.ts';
import { choose } from './kinds/choose.ts';
import { compare } from './kinds/compare.ts';
import { drift } from './kinds/drift.ts';
import { embed } from './kinds/embed.ts';
import { embedImages } from './kinds/embed-images.ts';
import { evaluate } from './kinds/evaluate.ts';
import { inspectData } from './kinds/inspect-data.ts';
import type { StepKind } from './kinds/kind.ts';
import { learningCurve } from './kinds/learning-curve.ts';
import { linearProbe } from './kinds/linear-probe.ts';
import { loadEncoder } from './kinds/load-encoder.ts';
import { notify } from './kinds/notify.ts';
import { outOfDistribution } from './kinds/out-of-distribution.ts';
import { own } from './kinds/own.ts';
import { prepareData } from './kinds/prepare-data.ts';
import { pretrain } from './kinds/pretrain.ts';
import { promote } from './kinds/promote.ts';
import { report } from './kinds/report.ts';
import { retrieval } from './kinds/retrieval.ts';
import { robustness } from './kinds/robustness.ts';
import { run } from './kinds/run.ts';
import { sweep } from './kinds/sweep.ts';
import { trainClassifier } from './kinds/train-classifier.ts';
import { trial } from './kinds/trial.ts';
import { useModel } from './kinds/use-model.ts';
import { kindFromOwn, type OwnKind } from './own-kind.ts';

/**
 * Every kind of step there is. Validation, the JSON Schema for editors and docs/steps.md come from this table.
 *
 * A kind is a file in kinds/ and a line here; `npm run schema` then writes the schema and the page anew.
 */
export const stepKinds = {
  'prepare-data': prepareData,
  'inspect-data': inspectData,
  pretrain,
  'train-classifier': trainClassifier,
  'load-encoder': loadEncoder,
  'use-model': useModel,
  'linear-probe': linearProbe,
  embed,
  'embed-images': embedImages,
  'build-index': buildIndex,
  adapt,
  evaluate,
  promote,
  notify,
  approve,
  choose,
  sweep,
  'learning-curve': learningCurve,
  compare,
  retrieval,
  robustness,
  'out-of-distribution': outOfDistribution,
  drift,
  report,
  run,
  own,
  trial,
} as const satisfies Record<string, StepKind>;

export type StepKindName = keyof typeof stepKinds;
export const stepKindNames = Object.keys(stepKinds) as readonly StepKindName[];
/** The kinds whose work is done in one of these ways. */
export type KindsRunBy<R extends StepKind['runs']> = {
  [K in StepKindName]: (typeof stepKinds)[K]['runs'] extends R ? K : never;
}[StepKindName];

export const kindsRunBy = <R extends StepKind['runs']>(runs: R): readonly KindsRunBy<R>[] =>
  stepKindNames.filter((name): name is KindsRunBy<R> => stepKinds[name].runs === runs);

/** The kinds that a pipeline names; a step of the user's own it names by its file, and what trials came to no pipeline names. */
export const writtenKindNames = stepKindNames.filter((name) => name !== 'own' && name !== 'trial');

export const isStepKind = (name: string): name is StepKindName => Object.hasOwn(stepKinds, name);

/** A step, as far as its kind follows from it. */
export interface OfKind {
  readonly uses: StepKindName;
  readonly with: Readonly<Record<string, unknown>>;
  /** What it is where it is the user's own. */
  readonly own?: OwnKind | undefined;
}

/** The kind of a step, with the result and the outputs that its parameters make. */
export function kindOf({ uses, with: parameters, own: ofUser }: OfKind): StepKind {
  if (ofUser) return kindFromOwn(ofUser);
  const kind: StepKind = stepKinds[uses];
  const { inputs, otherInputs } = kind;
  return {
    ...kind,
    ...kind.outcome?.(parameters),
    inputs: otherInputs?.holds(parameters) ? otherInputs.inputs : inputs,
  };
}

/** The result of a step of kind K. */
export type StepResult<K extends StepKindName> = z.infer<(typeof stepKinds)[K]['result']>;
