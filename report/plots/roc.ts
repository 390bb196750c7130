import * as Plot from '@observablehq/plot';
import type { RocPoint } from '../../evaluation/metrics/detection.ts';
import type { Arm } from '../arms.ts';
import { armColour, type Drawing, draw, grid, muted } from './draw.ts';

/** A curve of one step. */
interface Curve {
  readonly arm: string;
  readonly step: string;
  readonly roc: readonly RocPoint[];
}

/** ROC curves in the colours of their arms, beside the line of chance; none where there are no points. */
export function drawRoc(
  curves: readonly Curve[],
  arms: readonly Arm[],
  {
    x,
    y,
    size,
    ...about
  }: Pick<Drawing, 'name' | 'title' | 'description'> & {
    readonly size: { readonly width: number; readonly height: number };
    /** What the axes count. */
    readonly x: string;
    readonly y: string;
  },
): Drawing[] {
  const points = curves.flatMap(({ arm, step, roc }) =>
    roc.map((point) => ({ ...point, step, index: arms.find(({ name }) => name === arm)?.index ?? 0 })),
  );
  if (points.length === 0) return [];
  const chance: [number, number][] = [
    [0, 0],
    [1, 1],
  ];
  return [
    draw(about, {
      ...size,
      x: { label: x, tickFormat: '.0%', ticks: 5 },
      y: { label: y, tickFormat: '.0%', ticks: 5 },
      color: { type: 'identity' },
      marks: [
        Plot.gridY({ stroke: grid, strokeOpacity: 1, ticks: 5 }),
        Plot.line(chance, { stroke: muted, strokeDasharray: '2 4' }),
        Plot.line(points, {
          x: 'falsePositives',
          y: 'truePositives',
          z: 'step',
          stroke: ({ index }) => armColour(index),
          strokeWidth: 2,
          strokeOpacity: 0.85,
        }),
      ],
    }),
  ];
}
