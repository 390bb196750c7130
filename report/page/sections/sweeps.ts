import { count, times } from '../../../contracts/counted.ts';
import type { Report, SweepReport } from '../../../contracts/report.ts';
import { settingText } from '../../../contracts/setting-text.ts';
import { oneLine } from '../../../contracts/short-text.ts';
import { duration, figure } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { lastValue } from '../../plots/sweep.ts';
import { type Html, html } from '../html.ts';
import { type Cell, card, figureOf, n, type Section, table } from '../parts.ts';

/** Trials in the table; a longer search has the rest in the result of its step. */
const mostShown = 50;
const longestValue = 40;
const longestProblem = 120;

/** What every search tried, and what came of it. */
export function sweepsSection({ sweeps }: Report, drawings: ReadonlyMap<string, Drawing>): Section | null {
  if (sweeps.length === 0) return null;
  return {
    id: 'sweeps',
    heading: sweeps.length === 1 ? 'Sweep' : 'Sweeps',
    lead: 'Settings that were tried, and what came of them. The best of many was chosen by these values, so it is a little worse on new images: the measures on test images say how good it is.',
    body: html`${sweeps.map((sweep) => card(html`${sweeps.length > 1 ? html`<h3>${sweep.step}</h3>` : null}<p>${headline(sweep)}</p>${drawingOf(sweep, drawings)}<p class="note">${legendOf(sweep)}</p>${trialTable(sweep)}${rest(sweep)}`))}`,
  };
}

/** As large as it is drawn, with as many axes as there are names: a narrow page scrolls it. */
function drawingOf({ step }: SweepReport, drawings: ReadonlyMap<string, Drawing>): Html | null {
  const drawing = drawings.get(`sweep-${step}`);
  return drawing
    ? html`<div class="scroll" tabindex="0" role="region" aria-label="${drawing.title}">${figureOf(drawing, { className: 'as-drawn' })}</div>`
    : null;
}

function headline({ trials, isOver, objective, seeds, deviation, wanted, epochs, seconds, search }: SweepReport): Html {
  const [best] = trials;
  const value = best ? lastValue(best.rungs) : null;
  const spent = [...(epochs === null ? [] : [times(epochs, 'epoch')]), `${duration(seconds)} of computing`].join(', ');
  const tried = `${times(trials.length, 'trial')}${isOver ? '' : ` of ${count(wanted)} so far`} (${search}${seeds > 1 ? `, ${times(seeds, 'seed')} each` : ''}), ${spent}.`;
  if (!best || value === null) return html`${tried} None has come to a value.`;
  const settings = Object.entries(best.parameters).map(
    ([name, setting], at) => html`${at > 0 ? ', ' : ''}${name} <b>${oneLine(settingText(setting), longestValue)}</b>`,
  );
  const spread = seeds > 1 && deviation !== null ? ` ± ${figure(deviation)}` : '';
  return html`${tried} ${isOver ? 'The winner' : 'The best so far'} is trial ${best.trial}: ${settings}; ${objective} <b>${figure(value)}</b>${spread}.`;
}

const legendOf = ({ goal, rungs, isAsynchronous, trials }: SweepReport): string =>
  [
    `Orange: the best (${goal === 'highest' ? 'high' : 'low'} values are better).`,
    ...(rungs
      ? [
          `Stronger lines went further; each ends at its value at the last rung that it reached, so compare lines of the same strength.`,
          ...(isAsynchronous ? ['Which trials went on depended on who arrived first.'] : []),
        ]
      : []),
    ...(trials.some(({ lost }) => lost !== undefined) ? ['Dashed: lost.'] : []),
  ].join(' ');

function trialTable({ step, trials, rungs, over }: SweepReport): Html {
  const names = Object.keys(over);
  const lost = trials.some((trial) => trial.lost !== undefined);
  const stages = rungs ?? [null];
  const head = [
    'trial',
    ...names,
    ...stages.map((epochs) => (epochs === null ? 'value' : times(epochs, 'epoch'))),
    ...(lost ? ['lost'] : []),
  ];
  const rows = trials.slice(0, mostShown).map((trial, rank): readonly [string, ...Cell[]] => [
    String(trial.trial),
    ...names.map((name) => n(oneLine(settingText(trial.parameters[name] ?? null), longestValue), rank === 0)),
    ...stages.map((epochs, at) => {
      const reached =
        trial.rungs.find((each) => each.epochs === epochs) ?? (epochs === null ? trial.rungs[at] : undefined);
      return n(!reached ? '' : reached.value === null ? 'lost' : figure(reached.value), rank === 0);
    }),
    ...(lost ? [{ text: oneLine(trial.lost ?? '', longestProblem), n: false }] : []),
  ]);
  return table(`The trials of ${step}, the best first`, head, rows);
}

const rest = ({ trials }: SweepReport): Html | null =>
  trials.length <= mostShown
    ? null
    : html`<p class="note">The other ${trials.length - mostShown} are in report.json, and in the result of the step.</p>`;
