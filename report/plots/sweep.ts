import * as Plot from '@observablehq/plot';
import type { Json } from '../../contracts/json.ts';
import type { Dimension } from '../../contracts/kinds/sweep.ts';
import type { SweepReport } from '../../contracts/report.ts';
import { settingText } from '../../contracts/setting-text.ts';
import { shortened } from '../../contracts/short-text.ts';
import { isListed, lineOf } from '../../pipelines/language/interpret/sweep/space.ts';
import { figure } from '../format.ts';
import { armColour, type Drawing, draw, grid, ink, muted } from './draw.ts';

/** An upright line of the drawing: where a value stands on it, from 0 at the foot to 1, and what is written beside it. */
interface Axis {
  readonly name: string;
  readonly placeOf: (value: Json) => number;
  readonly ticks: readonly { readonly place: number; readonly text: string }[];
}

const mostListed = 7;
const longestName = 16;
/** As wide as the longest name. */
const between = 112;
const longestValue = 12;

/**
 * The trials of a search as parallel coordinates: a line for each, through its settings to its value at the last rung that it reached. The winner
 * stands out; a trial that was lost ends before the last axis.
 */
export function drawSweep(sweep: SweepReport): Drawing {
  const { step, over, objective, trials, rungs } = sweep;
  const values = trials.flatMap(({ rungs: reached }) => lastValue(reached) ?? []);
  const axes = [
    ...Object.entries(over).map(([name, dimension]) => settingAxis(name, dimension)),
    valueAxis(objective, values),
  ];
  const top = Math.max(1, ...trials.map(({ rungs: reached }) => reached.length));
  const lines = trials.map(({ trial, parameters, rungs: reached }, rank) => {
    const value = lastValue(reached);
    return {
      trial,
      isBest: rank === 0 && value !== null,
      isLost: value === null,
      strength: 0.2 + (0.6 * reached.length) / top,
      points: axes.flatMap(({ name, placeOf }, axis) => {
        const own = axis < axes.length - 1 ? (parameters[name] ?? null) : value;
        return own === null ? [] : [{ trial, axis, place: placeOf(own) }];
      }),
    };
  });
  const [best] = trials;
  const settings = best
    ? Object.entries(best.parameters)
        .map(([name, value]) => `${name} ${settingText(value)}`)
        .join(', ')
    : '';
  return draw(
    {
      name: `sweep-${step}`,
      title: `Trials: ${step}`,
      description: `${trials.length} trials, each a line from its settings to ${objective}${rungs ? ' at the last rung that it reached' : ''}. ${best ? `The best has ${settings}.` : 'None has arrived yet.'}`,
    },
    {
      width: Math.max(480, between * axes.length + 80),
      height: 340,
      marginLeft: 58,
      marginRight: 66,
      marginTop: 34,
      marginBottom: 14,
      x: { axis: null, domain: [0, Math.max(1, axes.length - 1)] },
      y: { axis: null, domain: [0, 1] },
      marks: [
        Plot.ruleX(
          axes.map((_, axis) => axis),
          { stroke: grid, strokeWidth: 1.5 },
        ),
        // The best is drawn last, above the others.
        ...lines.toReversed().map(({ points, isBest, isLost, strength }) =>
          Plot.line(points, {
            x: 'axis',
            y: 'place',
            stroke: isBest ? armColour(1) : isLost ? muted : armColour(0),
            strokeWidth: isBest ? 3 : 1.4,
            strokeOpacity: isBest ? 1 : strength,
            ...(isLost ? { strokeDasharray: '4 3' } : {}),
          }),
        ),
        ...axes.flatMap(({ name, ticks }, axis) => [
          Plot.text([shortened(name, longestName)], {
            x: axis,
            y: 1,
            dy: -20,
            fill: ink,
            fontWeight: 600,
            ...(axis === axes.length - 1
              ? { textAnchor: 'end', dx: 62 }
              : axis === 0
                ? { textAnchor: 'start', dx: -54 }
                : {}),
          }),
          Plot.text(ticks, {
            x: () => axis,
            y: 'place',
            text: 'text',
            dx: axis === axes.length - 1 ? 7 : -7,
            textAnchor: axis === axes.length - 1 ? 'start' : 'end',
            fill: muted,
            stroke: 'var(--card)',
            strokeWidth: 4,
          }),
        ]),
      ],
    },
  );
}

/** At the last rung that has one. */
export const lastValue = (reached: SweepReport['trials'][number]['rungs']): number | null =>
  reached.findLast(({ value }) => value !== null)?.value ?? null;

function settingAxis(name: string, dimension: Dimension): Axis {
  if (isListed(dimension)) {
    const texts = dimension.map((value) => settingText(value));
    const placeOf = (at: number) => (texts.length < 2 ? 0.5 : at / (texts.length - 1));
    const shown = texts.length <= mostListed ? texts : [texts[0] ?? '', texts.at(-1) ?? ''];
    return {
      name,
      placeOf: (value) => placeOf(Math.max(0, texts.indexOf(settingText(value)))),
      ticks: shown.map((text) => ({ place: placeOf(texts.indexOf(text)), text: shortened(text, longestValue) })),
    };
  }
  const { toLine } = lineOf(dimension);
  const [first, last] = 'log' in dimension ? dimension.log : dimension.linear;
  const placeOf = (value: number) => (toLine(value) - toLine(first)) / (toLine(last) - toLine(first));
  const middle = (first + last) / 2;
  const inside =
    'log' in dimension ? decades(first, last) : dimension.whole && !Number.isInteger(middle) ? [] : [middle];
  return {
    name,
    placeOf: (value) => placeOf(Number(value)),
    ticks: [first, ...inside, last].map((value) => ({ place: placeOf(value), text: figure(value) })),
  };
}

/** The powers of ten inside a range, without those that would stand on its ends. */
function decades(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low * 1.5));
  const last = Math.floor(Math.log10(high / 1.5));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => 10 ** (first + at));
}

function valueAxis(objective: string, values: readonly number[]): Axis {
  const low = values.reduce((least, value) => Math.min(least, value), values[0] ?? 0);
  const high = values.reduce((most, value) => Math.max(most, value), values[0] ?? 1);
  const placeOf = (value: number) => (high === low ? 0.5 : (value - low) / (high - low));
  const shown = high === low ? [low] : [low, (low + high) / 2, high];
  return {
    name: objective.split('.').at(-1) ?? objective,
    placeOf: (value) => placeOf(Number(value)),
    ticks: shown.map((value) => ({ place: placeOf(value), text: figure(value) })),
  };
}
