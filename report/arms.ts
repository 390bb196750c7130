import { addConfusions, type Confusion } from '../contracts/confusion.ts';
import type { Evaluation } from '../contracts/evaluation.ts';
import { measuredKinds } from '../contracts/measured.ts';
import type { EvaluationReport, Origin, Report } from '../contracts/report.ts';
import { mean } from '../evaluation/metrics/statistics.ts';

/** The evaluations that differ in their seed alone. */
export interface Arm {
  readonly name: string;
  /** Its place, and so its colour. */
  readonly index: number;
  readonly evaluations: readonly EvaluationReport[];
  readonly classes: readonly string[];
  /** Of all its evaluations together. */
  readonly confusion: Confusion;
  readonly reliability: NonNullable<Evaluation['reliability']>;
  /** Null where nothing was measured. */
  readonly calibrationError: number | null;
}

/** The names of all arms in the order of the trainings, then of what follows from no training. */
export const armNames = (report: Report): string[] => {
  const measured = measuredKinds.flatMap((kind): readonly Origin[] => report[kind]);
  return [
    ...new Set(
      [...report.trainings, ...report.encoders, ...report.evaluations, ...measured, ...report.curves].map(
        ({ arm }) => arm,
      ),
    ),
  ];
};

export function armsOf(report: Report): Arm[] {
  return armNames(report).map((name, index) => {
    const evaluations = report.evaluations.filter(({ arm }) => arm === name);
    const classes = evaluations[0]?.evaluation.classes ?? [];
    // A matrix over data sets gives evaluations that cannot be added up: those like the first are.
    const alike = evaluations
      .map(({ evaluation }) => evaluation)
      .filter((each) => each.classes.join('\n') === classes.join('\n'));
    const errors = alike.flatMap(({ expectedCalibrationError }) => expectedCalibrationError ?? []);
    return {
      name,
      index,
      evaluations,
      classes,
      confusion: addConfusions(
        alike.map(({ confusion }) => confusion),
        classes.length,
      ),
      reliability: reliabilityOf(alike),
      calibrationError: errors.length === 0 ? null : mean(errors),
    };
  });
}

/** Bins of several evaluations together, weighted by their images. */
function reliabilityOf(evaluations: readonly Evaluation[]): NonNullable<Evaluation['reliability']> {
  const [first] = evaluations;
  return (first?.reliability ?? []).map(({ low, high }, at) => {
    const bins = evaluations.flatMap(({ reliability }) => reliability?.[at] ?? []).filter(({ images }) => images > 0);
    const images = bins.reduce((sum, bin) => sum + bin.images, 0);
    const over = (value: 'confidence' | 'accuracy') =>
      images === 0 ? null : bins.reduce((sum, bin) => sum + bin.images * (bin[value] ?? 0), 0) / images;
    return { low, high, images, confidence: over('confidence'), accuracy: over('accuracy') };
  });
}
