import * as Plot from '@observablehq/plot';
import type { Comparison, MeasureComparison } from '../../contracts/comparison.ts';
import { detectorNames } from '../../contracts/outliers.ts';
import type { Report } from '../../contracts/report.ts';
import { corruptionNames, severities } from '../../contracts/robustness.ts';
import { mean } from '../../evaluation/metrics/statistics.ts';
import type { Arm } from '../arms.ts';
import { points as inPoints, percent, signed } from '../format.ts';
import { mostDifferent } from '../most-different.ts';
import { armColour, type Drawing, draw, grid, ink, muted } from './draw.ts';
import { drawRoc } from './roc.ts';
import { wholeOnly, wholeTicks } from './training.ts';

/** Accuracy of frozen encoders by epoch. */
export function drawCurves(curves: Report['curves'], arms: readonly Arm[], measure: 'probe' | 'knn'): Drawing | null {
  const title = measure === 'probe' ? 'Linear probe by epoch' : 'Nearest neighbours by epoch';
  const points = curves.flatMap(({ arm, variant, curve }) =>
    curve.points.map((point) => ({ arm, line: `${arm} ${variant}`, epoch: point.epoch, value: point[measure] })),
  );
  if (points.length === 0) return null;
  const colour = ({ arm }: { arm: string }) => armColour(arms.find(({ name }) => name === arm)?.index ?? 0);
  const best = Math.max(...points.map(({ value }) => value));
  return draw(
    {
      name: `curve-${measure}`,
      title,
      description: `Accuracy on validation images by epoch; the best is ${percent(best)}.`,
    },
    {
      x: { label: 'epoch', ticks: wholeTicks(1, Math.max(...points.map(({ epoch }) => epoch))), tickFormat: wholeOnly },
      y: { label: null, tickFormat: '.0%', nice: true },
      color: { type: 'identity' },
      marks: [
        Plot.gridY({ stroke: grid, strokeOpacity: 1 }),
        Plot.line(points, { x: 'epoch', y: 'value', z: 'line', stroke: colour, strokeWidth: 2 }),
        Plot.dot(points, { x: 'epoch', y: 'value', fill: colour, r: 3 }),
      ],
    },
  );
}

/** Accuracy by severity, a drawing for each way to spoil an image; lines are means over the runs of an arm. */
export function drawRobustness(robustness: Report['robustness'], arms: readonly Arm[]): Drawing[] {
  return corruptionNames.flatMap((name) => {
    const points = arms.flatMap((arm) => {
      const own = robustness.filter((each) => each.arm === arm.name);
      if (own.length === 0) return [];
      const found = own.flatMap((each) => each.robustness.corruptions.find((one) => one.name === name) ?? []);
      if (found.length === 0) return [];
      const clean = mean(own.map((each) => each.robustness.clean));
      const values = severities.map((_, at) => mean(found.map(({ accuracy }) => accuracy[at] ?? 0)));
      return [clean, ...values].map((value, severity) => ({ arm: arm.name, index: arm.index, severity, value }));
    });
    if (points.length === 0) return [];
    const worst = arms.flatMap((arm) => points.findLast((point) => point.arm === arm.name) ?? []);
    return [
      draw(
        {
          name: `robustness-${name}`,
          title: name.replaceAll('-', ' '),
          description: `Accuracy at severity 5: ${worst.map(({ arm, value }) => `${arm} ${percent(value, 1)}`).join(', ')}.`,
        },
        {
          width: 250,
          height: 170,
          marginLeft: 42,
          marginBottom: 30,
          marginTop: 10,
          x: { label: null, ticks: 6, tickFormat: wholeOnly },
          y: { label: null, domain: [0, 1], tickFormat: '.0%', ticks: 4 },
          color: { type: 'identity' },
          marks: [
            Plot.gridY({ stroke: grid, strokeOpacity: 1, ticks: 4 }),
            Plot.line(points, {
              x: 'severity',
              y: 'value',
              z: 'arm',
              stroke: ({ index }) => armColour(index),
              strokeWidth: 2,
            }),
            Plot.dot(points, { x: 'severity', y: 'value', fill: ({ index }) => armColour(index), r: 2.5 }),
          ],
        },
      ),
    ];
  });
}

/** ROC curves of each score; those of the runs of an arm lie over each other. */
export function drawOutliers(outliers: Report['outliers'], arms: readonly Arm[]): Drawing[] {
  return detectorNames.flatMap((name) => {
    const curves = outliers.map(({ arm, step, outliers: { detectors } }) => ({
      arm,
      step,
      roc: detectors.find((each) => each.name === name)?.roc ?? [],
    }));
    return drawRoc(curves, arms, {
      name: `roc-${name}`,
      title: `ROC: ${name.replaceAll('-', ' ')}`,
      description: 'Share of known images that are let through, by the share of foreign images that are.',
      size: { width: 330, height: 310 },
      x: 'foreign images let through',
      y: 'known images let through',
    });
  });
}

/** Whether a measure's values are shares, which are read as percentages. */
export const isShare = ({ measure, a, b }: MeasureComparison): boolean =>
  !/distance|silhouette|alignment|uniformity|epochs/.test(measure) &&
  [...a.values, ...b.values].every((value) => Math.abs(value) <= 1);

/** Differences a - b with their intervals; what is better for a lies on the right. */
export function drawComparison(
  step: string,
  { a, b, measures, classes }: Comparison,
  what: 'measures' | 'classes',
): Drawing | null {
  const rows = mostDifferent(what === 'measures' ? measures : classes, 50)
    .filter(isShare)
    .map((measure) => {
      const turn = measure.goal === 'higher' ? 1 : -1;
      const [low, high] = measure.difference.interval ?? [measure.difference.mean, measure.difference.mean];
      return {
        name: measure.measure,
        value: 100 * turn * measure.difference.mean,
        low: 100 * turn * low,
        high: 100 * turn * high,
        verdict: measure.verdict,
      };
    });
  if (rows.length === 0) return null;
  const colourOf = ({ verdict }: { verdict: string }) =>
    verdict === 'none shown' ? muted : verdict === 'a is better' ? armColour(0) : armColour(1);
  const reach = 1.08 * Math.max(0.1, ...rows.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  return draw(
    {
      name: `comparison-${step}${what === 'classes' ? '-classes' : ''}`,
      title: what === 'measures' ? `${a} against ${b}` : `F1 of each class: ${a} against ${b}`,
      description: rows.map(({ name, value }) => `${name} ${signed(value, 2)}`).join(', '),
    },
    {
      width: 560,
      height: 86 + 26 * rows.length,
      marginLeft: 225,
      marginTop: 48,
      x: {
        label: `← ${b} better   percentage points   ${a} better →`,
        labelAnchor: 'center',
        labelOffset: 44,
        labelArrow: 'none',
        domain: [-reach, reach],
        axis: 'top',
        ticks: 5,
      },
      y: { label: null, domain: rows.map(({ name }) => name), tickSize: 0 },
      color: { type: 'identity' },
      marks: [
        Plot.gridX({ stroke: grid, strokeOpacity: 1, ticks: 5 }),
        Plot.ruleX([0], { stroke: ink }),
        Plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'name', stroke: colourOf, strokeWidth: 3 }),
        Plot.dot(rows, { x: 'value', y: 'name', fill: colourOf, r: 5, stroke: 'var(--card)' }),
      ],
    },
  );
}

/** In the unit of the measure: percentage points for shares. */
export const differenceText = (measure: MeasureComparison, value: number): string =>
  isShare(measure) ? inPoints(value) : signed(value, 3);
