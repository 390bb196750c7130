import type { z } from 'zod';
import { choose } from './kinds/choose.ts';
import { compare } from './kinds/compare.ts';
import { evaluate } from './kinds/evaluate.ts';
import type { StepKind } from './kinds/kind.ts';
import { learningCurve } from './kinds/learning-curve.ts';
import { linearProbe } from './kinds/linear-probe.ts';
import { notify } from './kinds/notify.ts';
import { outOfDistribution } from './kinds/out-of-distribution.ts';
import { prepareData } from './kinds/prepare-data.ts';
import { pretrain } from './kinds/pretrain.ts';
import { promote } from './kinds/promote.ts';
import { report } from './kinds/report.ts';
import { robustness } from './kinds/robustness.ts';
import { trainClassifier } from './kinds/train-classifier.ts';

export { type ChooseParams, type ChooseResult, chooseParams, chooseResult } from './kinds/choose.ts';
export { type CompareParams, type CompareResult, compareParams, compareResult } from './kinds/compare.ts';
export { type EvaluateParams, evaluateParams, evaluateResult } from './kinds/evaluate.ts';
export type { StepKind } from './kinds/kind.ts';
export { type LearningCurveParams, learningCurveParams, learningCurveResult } from './kinds/learning-curve.ts';
export { type LinearProbeParams, linearProbeParams, linearProbeResult } from './kinds/linear-probe.ts';
export { type NotifyParams, notifyParams, notifyResult } from './kinds/notify.ts';
export {
  type OutOfDistributionParams,
  outOfDistributionParams,
  outOfDistributionResult,
} from './kinds/out-of-distribution.ts';
export {
  type DataSummary,
  dataSummarySchema,
  type PrepareDataParams,
  prepareDataParams,
  prepareDataResult,
} from './kinds/prepare-data.ts';
export { type PretrainParams, pretrainParams, pretrainResult } from './kinds/pretrain.ts';
export { type PromoteParams, promoteParams, promoteResult } from './kinds/promote.ts';
export { type ReportParams, reportParams, reportResult } from './kinds/report.ts';
export { type RobustnessParams, robustnessParams, robustnessResult } from './kinds/robustness.ts';
export { type TrainClassifierParams, trainClassifierParams, trainClassifierResult } from './kinds/train-classifier.ts';

/**
 * Every kind of step there is. Validation, the JSON Schema for editors and docs/steps.md come from this table.
 *
 * A kind is a file in kinds/ and a line here; `npm run schema` then writes the schema and the page anew.
 */
export const stepKinds = {
  'prepare-data': prepareData,
  pretrain,
  'train-classifier': trainClassifier,
  'linear-probe': linearProbe,
  evaluate,
  promote,
  notify,
  choose,
  'learning-curve': learningCurve,
  compare,
  robustness,
  'out-of-distribution': outOfDistribution,
  report,
} as const satisfies Record<string, StepKind>;

export type StepKindName = keyof typeof stepKinds;
export const stepKindNames = Object.keys(stepKinds) as readonly StepKindName[];
export const isStepKind = (name: string): name is StepKindName => Object.hasOwn(stepKinds, name);

/** The result of a step of kind K. */
export type StepResult<K extends StepKindName> = z.infer<(typeof stepKinds)[K]['result']>;
