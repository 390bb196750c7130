import type { Comparison, MeasureComparison } from '../../contracts/comparison.ts';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';
import type { LearningCurve } from '../../contracts/learning-curve.ts';
import type { Outliers } from '../../contracts/outliers.ts';
import type { Retrieval } from '../../contracts/retrieval.ts';
import type { Robustness } from '../../contracts/robustness.ts';
import { shortened } from '../../contracts/short-text.ts';
import { someOf } from '../../contracts/some-of.ts';
import { corruptionErrors } from './corruption-error.ts';
import { epochsToTarget } from './epochs-to-target.ts';
import {
  classMeasures,
  curveMeasure,
  evaluationMeasures,
  type Measure,
  outlierMeasures,
  retrievalMeasures,
  robustnessMeasures,
  targetText,
} from './measures.ts';
import { comparePairs } from './paired-differences.ts';

/** What was measured of one arm, each list by run, in the same order of runs. */
export interface Arm {
  readonly name: string;
  readonly evaluations: readonly Evaluation[];
  readonly robustness: readonly Robustness[];
  /** Those of several outside data sets one after the other. */
  readonly outliers: readonly Outliers[];
  readonly retrievals: readonly Retrieval[];
  readonly curves: readonly LearningCurve[];
}

/**
 * Compares two arms run by run.
 *
 * @param target an accuracy on the learning curves; null compares no epochs
 * @throws ContrailError InvalidInput where the arms do not come in pairs, or were not measured alike
 */
export function compareArms(a: Arm, b: Arm, target: number | null): Comparison {
  const [first] = b.evaluations;
  if (!first) throw new ContrailError('InvalidInput', 'A comparison takes at least one evaluation of each arm.');
  const pairs = b.evaluations.length;
  requirePairs(a, b, 'evaluations', a.evaluations, b.evaluations, pairs);
  requireAlike(a, b, 'evaluations', ({ dataset, classes, knn }: Evaluation) => [
    dataset,
    classes,
    knn.map(({ k }) => k),
  ]);
  const gaps: string[] = [];
  const of = <T>(
    measures: readonly Measure<T>[],
    ofA: readonly T[],
    ofB: readonly T[],
    missing: (measure: string, measured: number) => void = (measure, measured) =>
      gaps.push(gapNote(measure, measured, pairs)),
  ): MeasureComparison[] =>
    measures.flatMap(({ measure, goal, of: read }) => {
      const both = ofA.flatMap((value, pair) => {
        const [x, y] = [read(value), read(ofB[pair] as T)];
        return typeof x === 'number' && typeof y === 'number' ? [{ x, y }] : [];
      });
      if (both.length < ofA.length) missing(measure, both.length);
      return both.length === 0
        ? []
        : [comparePairs({ measure, goal, a: both.map(({ x }) => x), b: both.map(({ y }) => y) })];
    });

  requirePairs(a, b, 'robustness', a.robustness, b.robustness, pairs);
  requireAlike(a, b, 'robustness', ({ seed, corruptions }: Robustness) => [seed, corruptions.map(({ name }) => name)]);
  const hasRobustness = a.robustness.length > 0;
  const { corruption, notes } = hasRobustness ? corruptionErrors(a.robustness, b.robustness) : nothing;

  const outsides = [...new Set([...a.outliers, ...b.outliers].map(({ outside }) => outside))];
  const outliers = outsides.flatMap((outside) => {
    const [ofA, ofB] = [a, b].map((arm) => arm.outliers.filter((each) => each.outside === outside)) as [
      Outliers[],
      Outliers[],
    ];
    requirePairs(a, b, `outliers against ${outside}`, ofA, ofB, pairs);
    const like = ofB[0];
    return like ? of(outlierMeasures(like), ofA, ofB) : [];
  });
  requireAlike(a, b, 'outliers', ({ detectors }: Outliers) => detectors.map(({ name }) => name));

  requirePairs(a, b, 'retrievals', a.retrievals, b.retrievals, pairs);
  // What images are compared by is what arms may differ in.
  requireAlike(a, b, 'retrievals', ({ query, gallery }: Retrieval) => [query, gallery]);
  requirePairs(a, b, 'curves', a.curves, b.curves, pairs);
  const missed = target === null ? [] : [a, b].filter(({ curves }) => curves.some(misses(target)));
  const partlyMeasured: string[] = [];
  const classes = of(classMeasures(first), a.evaluations, b.evaluations, (name) => partlyMeasured.push(name));
  return {
    dataset: first.dataset,
    a: a.name,
    b: b.name,
    pairs,
    measures: [
      ...of(evaluationMeasures(first), a.evaluations, b.evaluations),
      ...(hasRobustness ? of(robustnessMeasures, a.robustness, b.robustness) : []),
      ...outliers,
      ...(a.retrievals.length > 0 ? of(retrievalMeasures, a.retrievals, b.retrievals) : []),
      ...(target !== null && a.curves.length > 0 && missed.length === 0
        ? of([curveMeasure(target)], a.curves, b.curves)
        : []),
    ],
    classes,
    corruption,
    notes: [
      ...gaps,
      ...(partlyMeasured.length === 0 ? [] : [classesNote(partlyMeasured)]),
      ...notes,
      ...(target === null ? [] : missed.map(({ name, curves }) => missedNote(name, curves, target))),
    ],
  };
}

const gapNote = (measure: string, measured: number, pairs: number): string =>
  measured === 0
    ? `${measure} is not compared: it was not measured.`
    : `${measure} is compared on ${measured} of ${times(pairs, 'pair')}: it was not measured in the others.`;

const classesNote = (names: readonly string[]): string =>
  `F1 was not measured in every run for ${times(names.length, 'class', 'classes')}, which ${names.length === 1 ? 'occurs' : 'occur'} neither as truth nor as prediction: ${someOf(names)}.`;

const nothing = { corruption: null, notes: [] } as const;

const misses = (target: number) => (curve: LearningCurve) => epochsToTarget(curve, target) === null;

const missedNote = (name: string, curves: readonly LearningCurve[], target: number): string =>
  `Epochs to ${targetText(target)} are not compared: ${curves.filter(misses(target)).length} of ${curves.length} curves of ${name} did not reach it.`;

/** Either both arms have one of each run, or neither has any. */
function requirePairs(
  { name: a }: Arm,
  { name: b }: Arm,
  what: string,
  ofA: readonly unknown[],
  ofB: readonly unknown[],
  pairs: number,
): void {
  const isOptional = what !== 'evaluations';
  if (ofA.length === ofB.length && (ofA.length === pairs || (isOptional && ofA.length === 0))) return;
  throw new ContrailError(
    'InvalidInput',
    `${a} has ${ofA.length} ${what} and ${b} has ${ofB.length}; each needs one for every run${isOptional ? ` (${pairs}), or none` : ', and as many runs as the other'}. Take them from matrices over the same seeds.`,
  );
}

/** The names of thousands of classes are among them. */
const longestSettings = 300;

function requireAlike<K extends 'evaluations' | 'robustness' | 'outliers' | 'retrievals'>(
  a: Arm,
  b: Arm,
  what: K,
  settings: (value: Arm[K][number]) => unknown,
): void {
  const found = new Set([...a[what], ...b[what]].map((each) => JSON.stringify(settings(each))));
  if (found.size <= 1) return;
  throw new ContrailError(
    'InvalidInput',
    `The ${what} of ${a.name} and ${b.name} were not made with the same settings: ${[...found].map((each) => shortened(each, longestSettings)).join(' beside ')}.`,
  );
}
