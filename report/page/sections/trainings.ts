import { times } from '../../../contracts/counted.ts';
import type { Report, TrainingReport } from '../../../contracts/report.ts';
import { describeDifference } from '../../../contracts/training-changes.ts';
import { mean } from '../../../evaluation/metrics/statistics.ts';
import { armNames } from '../../arms.ts';
import { duration, figure, moment } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { type Html, html } from '../html.ts';
import { armLabel, card, figureOf, n, type Section, table } from '../parts.ts';

const kinds: Readonly<Record<string, string>> = {
  pretrain: 'supervised contrastive',
  'train-classifier': 'cross-entropy',
};

/** How each training went, with what it lived through. */
export function trainings(report: Report, drawings: ReadonlyMap<string, Drawing>): Section | null {
  if (report.trainings.length === 0) return null;
  const all = report.trainings.flatMap(({ interruptions }) => interruptions);
  const rows = report.trainings.map((training) => {
    const { step, uses, loss, epochs, plannedEpochs, finished, interruptions, takenFrom } = training;
    const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
    const arm = armNames(report).indexOf(training.arm);
    return [
      html`${armLabel({ name: step, index: arm })}${takenFrom === null ? null : html` <span class="muted">from ${takenFrom}</span>`}`,
      { text: loss ?? kinds[uses] ?? uses, n: false },
      n(`${epochs.length} of ${plannedEpochs}${finished && epochs.length < plannedEpochs ? ', stopped' : ''}`),
      n(epochs.length === 0 ? '–' : figure(epochs.at(-1)?.loss ?? 0)),
      n(epochs.length === 0 ? '–' : figure(Math.min(...epochs.map(({ loss }) => loss)))),
      n(epochs.length === 0 ? '–' : figure(mean(epochs.map(({ imagesPerSecond }) => imagesPerSecond)))),
      n(duration(seconds)),
      n(String(interruptions.length)),
    ] as const;
  });
  return {
    id: 'training',
    heading: 'Training',
    lead:
      all.length === 0
        ? 'No process was replaced while they trained.'
        : `${times(all.length, 'time')} a process was replaced and another went on from the last checkpoint, with the same bits: ▲ by itself, ■ when a person resumed the run.`,
    body: html`${card(table('Trainings', ['step', 'loss function', 'epochs', 'last loss', 'lowest', 'images/s', 'time', 'restarts'], rows, { firstNumeric: 2 }))}
<div class="grid" style="margin-top:14px">${armNames(report).flatMap((arm) => {
      const found = ['loss', 'learning-rate', 'rate'].flatMap((name) => drawings.get(`${name}-${arm}`) ?? []);
      return found.length === 0 ? [] : [card(html`${found.map((drawing) => figureOf(drawing))}`)];
    })}</div>${history(report)}`,
  };
}

/** Restarts, resumes and changes, in words. */
function history({ trainings: all }: Report): Html | null {
  const lines = all.flatMap(({ step, interruptions, changes }: TrainingReport) => [
    ...interruptions.map(
      ({ kind, at, owner, epoch }) =>
        html`<li>${moment(at)}: <code>${step}</code> ${kind === 'resume' ? 'resumed' : 'restarted'}${epoch === null ? '' : ` in epoch ${epoch}`}, by ${owner}</li>`,
    ),
    ...changes.map(
      (change) =>
        html`<li><code>${step}</code> changed after epoch ${change.after} (${change.by}): <code>${describeDifference(change)}</code>${change.why ? `, ${change.why}` : ''}</li>`,
    ),
  ]);
  return lines.length === 0
    ? null
    : html`<details${lines.length < 8 ? html` open` : null}><summary>What happened to them</summary><ul>${lines}</ul></details>`;
}
