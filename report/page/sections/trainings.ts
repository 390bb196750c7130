import { times } from '../../../contracts/counted.ts';
import { frozenText } from '../../../contracts/encoder-origin.ts';
import { passesText } from '../../../contracts/passes-text.ts';
import type { EncoderReport, Report, TrainingReport } from '../../../contracts/report.ts';
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

/** How each training went, with what it lived through, and where weights come from that were not made here. */
export function trainings(report: Report, drawings: ReadonlyMap<string, Drawing>): Section | null {
  if (report.trainings.length + report.encoders.length === 0) return null;
  const names = armNames(report);
  const all = report.trainings.flatMap(({ interruptions }) => interruptions);
  const rows = report.trainings.map((training) => {
    const { step, uses, loss, epochs, plannedEpochs, finished, interruptions, takenFrom } = training;
    const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
    const arm = names.indexOf(training.arm);
    const passes = epochs.at(-1)?.passes;
    return [
      html`${armLabel({ name: step, index: arm })}${takenFrom === null ? null : html` <span class="muted">from ${takenFrom}</span>`}`,
      { text: loss ?? kinds[uses] ?? uses, n: false },
      n(
        `${epochs.length} of ${plannedEpochs}${finished && epochs.length < plannedEpochs ? ', stopped' : ''}${passes === undefined ? '' : ` (each ${passesText(passes)} the images)`}`,
      ),
      n(epochs.length === 0 ? '–' : figure(epochs.at(-1)?.loss ?? 0)),
      n(epochs.length === 0 ? '–' : figure(Math.min(...epochs.map(({ loss }) => loss)))),
      n(epochs.length === 0 ? '–' : figure(mean(epochs.map(({ imagesPerSecond }) => imagesPerSecond)))),
      n(duration(seconds)),
      n(String(interruptions.length)),
    ] as const;
  });
  const adapters = report.encoders.flatMap(({ step, arm, adapter }) =>
    adapter ? [adapterRow(step, names.indexOf(arm), adapter)] : [],
  );
  const weights = weightsTable(report, names);
  return {
    id: 'training',
    heading: 'Training',
    lead:
      report.trainings.length === 0
        ? 'What was trained here, and what comes from elsewhere.'
        : all.length === 0
          ? 'No process was replaced while they trained.'
          : `${times(all.length, 'time')} a process was replaced and another went on from the last checkpoint, with the same bits: ▲ by itself, ■ when a person resumed the run.`,
    body: html`${
      rows.length + adapters.length === 0
        ? null
        : html`${card(table('Trainings', ['step', 'loss function', 'epochs', 'last loss', 'lowest', 'images/s', 'time', 'restarts'], [...rows, ...adapters], { firstNumeric: 2 }))}<div style="margin-top:14px"></div>`
    }${weights}${curves(names, drawings)}${history(report)}`,
  };
}

/** An adapter is trained in one piece, on embeddings: it has no epochs that could be drawn. */
const adapterRow = (step: string, index: number, { epochs, done }: NonNullable<EncoderReport['adapter']>) =>
  [
    armLabel({ name: step, index }),
    { text: 'SupCon, on embeddings', n: false },
    n(done ? `${epochs} of ${epochs}` : `0 of ${epochs}`),
    n(done ? figure(done.loss) : '–'),
    n('–'),
    n('–'),
    n(done?.seconds == null ? '–' : duration(done.seconds)),
    n('–'),
  ] as const;

/** The weights that encoders began with: those of an arm once, for its runs have the same. */
function weightsTable({ encoders }: Report, names: readonly string[]): Html | null {
  const firsts = encoders.filter(({ arm }, at, every) => every.findIndex((each) => each.arm === arm) === at);
  const rows = firsts.flatMap(({ arm, uses, adapter, origin: { weights, frozen, averaged } }) =>
    weights === undefined
      ? []
      : [
          [
            armLabel({ name: arm, index: names.indexOf(arm) }),
            { text: html`<code>${weights.name}</code>`, n: false },
            {
              text: weights.sha256 === null ? '–' : html`<code class="whole">${weights.sha256.slice(0, 12)}…</code>`,
              n: false,
            },
            { text: adapter || uses === 'load-encoder' ? 'all' : frozen ? frozenText(frozen) : 'nothing', n: false },
            { text: averaged === undefined ? 'no' : `decay ${averaged}`, n: false },
          ] as const,
        ],
  );
  const head = ['arm', 'weights', 'SHA-256', 'stages that were not trained', 'averaged'];
  return rows.length === 0
    ? null
    : html`${card(table('Weights from elsewhere', head, rows, { firstNumeric: head.length }))}<div style="margin-top:14px"></div>`;
}

/** Above so many arms, their losses stand in a row of small drawings, and what else there is to see is folded. */
const fewArms = 2;

/** The curves of each arm: losses have no common scale, so each has its own axis. */
function curves(arms: readonly string[], drawings: ReadonlyMap<string, Drawing>): Html {
  const of = (arm: string, names: readonly string[]) => names.flatMap((name) => drawings.get(`${name}-${arm}`) ?? []);
  const cards = (names: readonly string[]) =>
    arms.flatMap((arm) => {
      const found = of(arm, names);
      return found.length === 0 ? [] : [card(html`${found.map((drawing) => figureOf(drawing))}`)];
    });
  const all = cards(['loss', 'learning-rate', 'rate']);
  return all.length <= fewArms
    ? html`<div class="grid">${all}</div>`
    : html`<div class="grid third">${cards(['loss'])}</div><details><summary>Learning rates and images per second</summary><div class="grid third">${cards(['learning-rate', 'rate'])}</div></details>`;
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
