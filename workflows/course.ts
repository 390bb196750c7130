import type { EpochMark, OpenedTraining } from '../activities/open-training.ts';
import type { Json } from '../contracts/json.ts';
import { minimumLearningRate } from '../contracts/optimizer.ts';
import {
  changeRule,
  type Segment,
  segmentsOf,
  type TrainingChange,
  valueAt,
  withValueAt,
} from '../contracts/training-changes.ts';
import { type Finding, forgiven, newWatch, observe, type Watch, watchRules } from '../contracts/watch.ts';

type Values = { readonly [key: string]: Json };

/**
 * What a training has become besides its state: its parameters with all changes, how it is doing, and the epochs that it can
 * go back to. Plain JSON: it is carried over when the history begins anew. All functions here are pure.
 */
export interface Course {
  readonly parameters: Values;
  readonly changes: readonly TrainingChange[];
  readonly watch: Watch;
  readonly marks: readonly EpochMark[];
}

export const newCourse = (parameters: Values): Course => ({ parameters, changes: [], watch: newWatch, marks: [] });

export const courseOf = ({ parameters, changes, watch, marks }: OpenedTraining): Course => ({
  parameters,
  changes,
  watch,
  marks,
});

/** The configs of earlier epochs; undefined where nothing ever changed. */
export function earlierConfigs({ parameters, changes }: Course, dataset: string): Segment[] | undefined {
  if (changes.length === 0) return undefined;
  const { checkpoint: _, health: __, stop: ___, ...config } = parameters;
  return segmentsOf({ dataset, ...config }, changes);
}

/** Takes a finished epoch into account. */
export function afterEpoch(
  course: Course,
  mark: EpochMark,
): { readonly course: Course; readonly finding: Finding | null } {
  const { epoch, metrics } = mark;
  const { watch, finding } = observe(course.watch, { epoch, ...metrics }, watchRules(course.parameters));
  const wanted = new Set([epoch, mark.best.epoch, epoch - watch.collapsed, watch.step?.epoch, watch.lowest?.epoch]);
  if (finding) wanted.add(finding.goodEpoch);
  const marks = [...course.marks.filter((each) => wanted.has(each.epoch) && each.epoch !== epoch), mark];
  return { course: { ...course, watch, marks }, finding };
}

/** The newest epoch, not past the one named, that the training can go back to. */
export const markUpTo = ({ marks }: Course, epoch: number): EpochMark | undefined =>
  marks.filter((mark) => mark.epoch <= epoch).at(-1);

/** Changes a parameter from the epoch after `after` on. */
export function changed(course: Course, change: Omit<TrainingChange, 'from'>): Course {
  const from = valueAt(course.parameters, change.path);
  const parameters = withValueAt(course.parameters, change.path, change.to);
  return { ...course, parameters, changes: [...course.changes, { ...change, from }] };
}

/** Goes back to the end of an earlier epoch, with a lower learning rate from there. */
export function backTo(course: Course, epoch: number, factor: number, { rule, message }: Finding): Course {
  const path = 'optimizer.learningRate';
  const slower = changed(
    { ...course, changes: course.changes.filter(({ after }) => after <= epoch) },
    {
      after: epoch,
      path,
      to: Math.max(minimumLearningRate, Number(valueAt(course.parameters, path)) * factor),
      by: 'health',
      why: `${rule}: ${message}`,
    },
  );
  return { ...slower, watch: forgiven(course.watch), marks: course.marks.filter((mark) => mark.epoch <= epoch) };
}

export const letGoOn = (course: Course): Course => ({ ...course, watch: forgiven(course.watch) });

/** Retries that were made for a rule. */
export const retriesFor = ({ changes }: Course, rule: string): number =>
  changes.filter(({ by, why }) => by === 'health' && why.startsWith(`${rule}: `)).length;

/** The result follows from the plan alone: nothing but the length has changed, and that in the plan as well. */
export const followsFromPlan = ({ changes, parameters }: Course): boolean =>
  changes.every(
    ({ by, path }) => changeRule(path, parameters).rule === 'always' || (by === 'resume' && path === 'epochs'),
  );

/** Why a running training cannot take a value; null where it can. */
export function refusalOf(
  { parameters }: Course,
  { path, value }: { readonly path: string; readonly value: Json },
  epochUnderWay: number,
): string | null {
  if (path !== 'epochs') return null;
  const { rule, reason } = changeRule(path, parameters);
  if (rule !== 'end') return `epochs cannot change while the training runs: ${reason}.`;
  return Number(value) >= epochUnderWay
    ? null
    : `Epoch ${epochUnderWay} is under way, so epochs cannot become ${String(value)}; ${epochUnderWay} is the least.`;
}
