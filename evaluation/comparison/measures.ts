import type { Evaluation } from '../../contracts/evaluation.ts';
import type { LearningCurve } from '../../contracts/learning-curve.ts';
import type { Outliers } from '../../contracts/outliers.ts';
import type { Retrieval } from '../../contracts/retrieval.ts';
import { type Robustness, severities } from '../../contracts/robustness.ts';
import { mean as meanOf } from '../metrics/statistics.ts';
import { epochsToTarget } from './epochs-to-target.ts';
import type { PairedMeasure } from './paired-differences.ts';

/** A number of each run; none where it was not measured. */
export type Measure<T> = Pick<PairedMeasure, 'measure' | 'goal'> & {
  readonly of: (value: T) => number | null | undefined;
};

export const topOne = 'top-1 accuracy';

const higher = <T>(measure: string, of: Measure<T>['of']): Measure<T> => ({ measure, goal: 'higher', of });
const lower = <T>(measure: string, of: Measure<T>['of']): Measure<T> => ({ measure, goal: 'lower', of });

/** @param like an evaluation that has the same neighbours as all */
export const evaluationMeasures = (like: Evaluation): readonly Measure<Evaluation>[] => [
  higher(topOne, ({ top1 }) => top1),
  higher('top-5 accuracy', ({ top5 }) => top5),
  higher('macro F1', ({ macroF1 }) => macroF1),
  lower('expected calibration error', ({ expectedCalibrationError }) => expectedCalibrationError),
  ...like.knn.map(({ k }, index) =>
    higher<Evaluation>(`${k}-nearest-neighbour accuracy`, ({ knn }) => knn[index]?.accuracy),
  ),
  lower('distance within classes', ({ geometry }) => geometry.intra),
  higher('distance between classes', ({ geometry }) => geometry.inter),
  higher('silhouette (cosine)', ({ geometry }) => geometry.silhouette),
  lower('alignment', ({ geometry }) => geometry.alignment),
  lower('uniformity', ({ geometry }) => geometry.uniformity),
  higher('recall at 1', ({ geometry }) => geometry.recallAt1),
  higher('MAP at R', ({ geometry }) => geometry.mapAtR),
];

/** F1 of each class. */
export const classMeasures = ({ classes }: Evaluation): readonly Measure<Evaluation>[] =>
  classes.map((name, index) => higher(name, ({ perClass }) => perClass[index]?.f1));

export const robustnessMeasures: readonly Measure<Robustness>[] = [
  higher('mean accuracy on corrupted images', ({ mean }) => mean),
  ...severities.map((severity, index) =>
    higher<Robustness>(`accuracy at severity ${severity}`, ({ corruptions }) =>
      meanOf(corruptions.map(({ accuracy }) => accuracy[index] ?? Number.NaN)),
    ),
  ),
];

/** @param like outliers with the same detectors and the same outside data set as all */
export const outlierMeasures = ({ outside, detectors }: Outliers): readonly Measure<Outliers>[] =>
  detectors.flatMap(({ name }) => {
    const of = (read: (detector: Outliers['detectors'][number]) => number) => (each: Outliers) => {
      const detector = each.detectors.find((one) => one.name === name);
      return detector ? read(detector) : null;
    };
    return [
      higher(
        `AUROC against ${outside}, ${name}`,
        of(({ auroc }) => auroc),
      ),
      lower(
        `false positives at 95 % against ${outside}, ${name}`,
        of(({ falsePositivesAt95 }) => falsePositivesAt95),
      ),
    ];
  });

export const retrievalMeasures: readonly Measure<Retrieval>[] = [
  higher('recall at 1 of the search', ({ recallAt }) => recallAt.find(({ k }) => k === 1)?.value),
  higher('MAP at R of the search', ({ mapAtR }) => mapAtR.value),
];

export const curveMeasure = (target: number): Measure<LearningCurve> =>
  lower(`epochs to ${targetText(target)} by linear probe`, (curve) => epochsToTarget(curve, target));

export const targetText = (target: number): string => `${Number((100 * target).toPrecision(6))} %`;
