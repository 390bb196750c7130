import type { Report } from '../contracts/report.ts';
import { mean } from '../evaluation/metrics/statistics.ts';
import { armsOf } from './arms.ts';

/** The numbers of a report that fit into one line. */
export interface Headline {
  /** Of the arm with the best mean accuracy; null where nothing was measured. */
  readonly arm: string | null;
  readonly top1: number | null;
  readonly knn: number | null;
  readonly testImages: number | null;
  /** Of all steps that are done, and of trainings that are not. */
  readonly seconds: number | null;
  readonly restarts: number;
}

export function headlineOf(report: Report): Headline {
  const measured = armsOf(report).flatMap(({ name, evaluations }) => {
    const accuracies = evaluations.flatMap(({ evaluation }) => evaluation.top1 ?? []);
    return accuracies.length === 0 ? [] : [{ name, evaluations, top1: mean(accuracies) }];
  });
  const best = measured.sort((a, b) => b.top1 - a.top1)[0];
  const neighbours = (best?.evaluations ?? []).flatMap(({ evaluation }) => evaluation.knn[0]?.accuracy ?? []);
  const open = report.trainings
    .filter(({ finished }) => !finished)
    .flatMap(({ epochs }) => epochs.map(({ seconds }) => seconds));
  const all = [...report.steps.flatMap(({ seconds }) => seconds ?? []), ...open];
  return {
    arm: best?.name ?? null,
    top1: best?.top1 ?? null,
    knn: neighbours.length > 0 ? mean(neighbours) : null,
    testImages: best?.evaluations[0]?.evaluation.testImages ?? null,
    seconds: all.length === 0 ? null : all.reduce((sum, value) => sum + value, 0),
    restarts: report.trainings.reduce((sum, { interruptions }) => sum + interruptions.length, 0),
  };
}
