import * as Plot from '@observablehq/plot';
import type { Report } from '../../contracts/report.ts';
import type { Arm } from '../arms.ts';
import { type SearchGroup, searchesOf } from '../searches.ts';
import { armColour, type Drawing, draw, grid } from './draw.ts';
import { drawRoc } from './roc.ts';
import { wholeOnly } from './training.ts';

const indexOf = (arms: readonly Arm[], name: string) => arms.find((arm) => arm.name === name)?.index ?? 0;

/** Of each search how often one of the same class is among the k nearest, by k, with intervals; and how well pairs are told. */
export const drawRetrieval = (retrieval: Report['retrieval'], arms: readonly Arm[]): Drawing[] =>
  searchesOf(retrieval).flatMap((search) => drawSearch(search, arms));

function drawSearch({ found, suffix }: SearchGroup, arms: readonly Arm[]): Drawing[] {
  const recalls = found.flatMap(({ arm, step, retrieval: { recallAt } }) =>
    recallAt.flatMap(({ k, value, interval }) =>
      value === null
        ? []
        : [{ step, k, value, low: interval?.[0] ?? value, high: interval?.[1] ?? value, index: indexOf(arms, arm) }],
    ),
  );
  const size = { width: 420, height: 290 };
  return [
    ...(recalls.length === 0
      ? []
      : [
          draw(
            {
              name: `retrieval-recall${suffix}`,
              title: 'Recall at k',
              description: 'Share of queries with one of their class among the k nearest, with 95 % intervals.',
            },
            {
              ...size,
              x: { type: 'log', label: 'k', ticks: [...new Set(recalls.map(({ k }) => k))], tickFormat: wholeOnly },
              y: { label: null, tickFormat: '.0%', nice: true },
              color: { type: 'identity' },
              marks: [
                Plot.gridY({ stroke: grid, strokeOpacity: 1 }),
                Plot.ruleX(recalls, { x: 'k', y1: 'low', y2: 'high', stroke: ({ index }) => armColour(index) }),
                Plot.line(recalls, {
                  x: 'k',
                  y: 'value',
                  z: 'step',
                  stroke: ({ index }) => armColour(index),
                  strokeWidth: 2,
                }),
                Plot.dot(recalls, { x: 'k', y: 'value', fill: ({ index }) => armColour(index), r: 3 }),
              ],
            },
          ),
        ]),
    ...drawRoc(
      found.map(({ arm, step, retrieval: { verification } }) => ({ arm, step, roc: verification.roc })),
      arms,
      {
        name: `retrieval-pairs${suffix}`,
        title: 'Pairs told apart',
        description:
          'Share of pairs of one class that are accepted, by the share of pairs of different classes that are.',
        size,
        x: 'pairs of different classes accepted',
        y: 'pairs of one class accepted',
      },
    ),
  ];
}
