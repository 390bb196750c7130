import * as Plot from '@observablehq/plot';
import { times } from '../../contracts/counted.ts';
import type { EmbeddingMap } from '../../contracts/report.ts';
import { classColour, type Drawing, draw, ink } from './draw.ts';

export type Projection = 'pca' | 'umap';
/** More names than this cover the drawing. */
const namedClasses = 50;
const symbols = ['circle', 'triangle', 'square', 'diamond', 'star'] as const;

/** The symbol of a class: with its colour it is the class's own, up to ten times five classes. */
const symbolOf = (label: number): (typeof symbols)[number] =>
  symbols[(label + Math.floor(label / 10)) % symbols.length] ?? 'circle';

/**
 * Test images in the plane: colour and shape are the true class, a dark edge marks a wrong prediction, names stand at the
 * middle of their class. Each point names its place in `map.points` as `data-point`.
 */
export function drawMap(
  arm: string,
  classes: readonly string[],
  map: EmbeddingMap,
  projection: Projection,
): Drawing | null {
  const dots = map.points.flatMap(({ [projection]: place, label, predicted }) =>
    place === null ? [] : [{ x: place[0], y: place[1], label, wrong: predicted !== null && predicted !== label }],
  );
  if (dots.length === 0) return null;
  const byClass = new Map<number, { x: number; y: number }[]>();
  for (const { x, y, label } of dots) byClass.set(label, [...(byClass.get(label) ?? []), { x, y }]);
  const largest = [...byClass]
    .sort(([a, own], [b, other]) => other.length - own.length || a - b)
    .slice(0, namedClasses);
  const middles = largest.map(([label, own]) => ({
    name: classes[label] ?? String(label),
    x: median(own.map(({ x }) => x)),
    y: median(own.map(({ y }) => y)),
  }));
  const way = projection === 'pca' ? 'principal components' : 'UMAP';
  return draw(
    {
      name: `map-${projection}-${arm}`,
      title: `Embedding of ${arm} by ${way}`,
      description: `${times(dots.length, 'test image')}, coloured by true class; images that lie together look alike to the model.`,
    },
    {
      width: 800,
      height: 600,
      margin: 14,
      marginLeft: 14,
      marginBottom: 14,
      marginTop: 14,
      x: { axis: null },
      y: { axis: null },
      color: { type: 'identity' },
      marks: [
        Plot.dot(dots, {
          x: 'x',
          y: 'y',
          r: 4.2,
          symbol: dots.map(({ label }) => symbolOf(label)) as never,
          fill: ({ label }) => classColour(label),
          fillOpacity: 0.8,
          stroke: ({ wrong }) => (wrong ? ink : 'none'),
          strokeWidth: 1.3,
        }),
        Plot.text(middles, {
          x: 'x',
          y: 'y',
          text: 'name',
          fill: ink,
          stroke: 'var(--card)',
          strokeWidth: 4,
          fontWeight: 650,
          fontSize: 14,
          pointerEvents: 'none',
        }),
      ],
    },
    (svg) => {
      let at = 0;
      for (const dot of svg.querySelectorAll('g[aria-label="dot"] > *')) dot.setAttribute('data-point', String(at++));
    },
  );
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
