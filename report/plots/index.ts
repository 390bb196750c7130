import type { Report } from '../../contracts/report.ts';
import type { Arm } from '../arms.ts';
import { drawMeasured } from '../measured.ts';
import type { Drawing } from './draw.ts';
import { drawConfusion, drawReliability } from './evaluation.ts';
import { drawMap } from './map.ts';
import { drawComparison, drawCurves } from './measures.ts';
import { drawSweep } from './sweep.ts';
import { drawTraining } from './training.ts';

/** Every drawing of a report, by name: those of the page, and the confusion matrices, which the page has as tables. */
export function drawAll(report: Report, arms: readonly Arm[]): ReadonlyMap<string, Drawing> {
  const drawings = arms.flatMap((arm) => {
    const trainings = report.trainings.filter((each) => each.arm === arm.name);
    const map = arm.evaluations.find((each) => each.map !== null)?.map;
    return [
      ...(trainings.some(({ epochs }) => epochs.length > 0)
        ? (['loss', 'learningRate', 'imagesPerSecond'] as const).map((measure) =>
            drawTraining(arm.name, arm.index, trainings, measure),
          )
        : []),
      ...(arm.evaluations.length > 0 ? [drawConfusion(arm.name, arm.classes, arm.confusion)] : []),
      ...(map ? (['umap', 'pca'] as const).map((way) => drawMap(arm.name, arm.classes, map, way)) : []),
    ];
  });
  const all = [
    ...drawings,
    ...report.sweeps.map(drawSweep),
    drawReliability(arms),
    drawCurves(report.curves, arms, 'probe'),
    drawCurves(report.curves, arms, 'knn'),
    ...drawMeasured(report, arms),
    ...report.comparisons.flatMap(({ step, comparison }) =>
      (['measures', 'classes'] as const).map((what) => drawComparison(step, comparison, what)),
    ),
  ];
  return new Map(all.flatMap((drawing) => (drawing ? [[drawing.name, drawing] as const] : [])));
}
