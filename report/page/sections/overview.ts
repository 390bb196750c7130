import { count, times } from '../../../contracts/counted.ts';
import type { Evaluation } from '../../../contracts/evaluation.ts';
import type { Report } from '../../../contracts/report.ts';
import { mean } from '../../../evaluation/metrics/statistics.ts';
import type { Arm } from '../../arms.ts';
import { evaluationNotes } from '../../evaluation-notes.ts';
import { duration, ifMeasured, meanAndDeviation, percent } from '../../format.ts';
import { headlineOf } from '../../headline.ts';
import { otherAccuracy } from '../../leaks-note.ts';
import { searchesOf } from '../../searches.ts';
import { type Html, html } from '../html.ts';
import { armLabel, byArm, card, n, type Section, table } from '../parts.ts';

/** Arms of a search that have a number of their own at the top. */
const mostSearched = 3;

/** Of a run that evaluated nothing: how often each arm of its first search finds what it should. */
function foundTiles({ retrieval }: Report, tile: (value: string, text: string) => Html): readonly Html[] {
  const found = searchesOf(retrieval)[0]?.found ?? [];
  const arms = [...new Set(found.map(({ arm }) => arm))];
  return arms.slice(0, mostSearched).flatMap((arm) => {
    const ofArm = found.filter((each) => each.arm === arm);
    const recalls = ofArm.flatMap(({ retrieval: { recallAt } }) => recallAt.find(({ k }) => k === 1)?.value ?? []);
    return recalls.length === 0 ? [] : [tile(percent(mean(recalls)), `recall at 1, ${arm}`)];
  });
}

/** The numbers that a person looks for first. */
export function tiles(report: Report): Html {
  const { top1, knn, arm, seconds, restarts, testImages } = headlineOf(report);
  const tile = (value: string, text: string) => html`<div class="tile"><b>${value}</b><span>${text}</span></div>`;
  const of = arm === null || new Set(report.evaluations.map((each) => each.arm)).size < 2 ? '' : `, ${arm}`;
  return html`<div class="tiles">${top1 === null ? foundTiles(report, tile) : null}${top1 === null ? null : tile(percent(top1), `test accuracy${of}`)}${
    knn === null ? null : tile(percent(knn), `nearest neighbours${of}`)
  }${testImages === null ? null : tile(count(testImages), 'test images')}${
    seconds === null ? null : tile(duration(seconds), 'work, all steps')
  }${report.trainings.length === 0 ? null : tile(String(restarts), restarts === 1 ? 'restart survived' : 'restarts survived')}</div>`;
}

interface Measure {
  readonly name: string;
  /** Null where it was not measured; undefined in evaluations of versions that did not have it. */
  readonly of: (evaluation: Evaluation) => number | null | undefined;
  readonly text: (value: number) => string;
  readonly goal: 1 | -1;
}
const shares = (value: number) => percent(value);
/** The accuracy that is not the main one, where it is with the images that leak, or without them. */
const accuracyIf = (wanted: 'with' | 'without') => (evaluation: Evaluation) => {
  const other = otherAccuracy(evaluation);
  return other?.leaks === wanted ? other.top1 : undefined;
};
export const measures: readonly Measure[] = [
  { name: 'accuracy (top-1)', of: ({ top1 }) => top1, text: shares, goal: 1 },
  { name: 'accuracy with images that leak', of: accuracyIf('with'), text: shares, goal: 1 },
  { name: 'accuracy without images that leak', of: accuracyIf('without'), text: shares, goal: 1 },
  { name: 'nearest neighbours', of: ({ knn }) => knn[0]?.accuracy, text: shares, goal: 1 },
  { name: 'top-5', of: ({ top5 }) => top5, text: shares, goal: 1 },
  { name: 'macro F1', of: ({ macroF1 }) => macroF1, text: (value) => value.toFixed(4), goal: 1 },
  { name: 'calibration error', of: ({ expectedCalibrationError }) => expectedCalibrationError, text: shares, goal: -1 },
  { name: 'recall at 1', of: ({ geometry }) => geometry.recallAt1, text: shares, goal: 1 },
  { name: 'MAP@R', of: ({ geometry }) => geometry.mapAtR, text: (value) => value.toFixed(4), goal: 1 },
  { name: 'R-precision', of: ({ geometry }) => geometry.rPrecision, text: (value) => value.toFixed(4), goal: 1 },
  { name: 'silhouette', of: ({ geometry }) => geometry.silhouette, text: (value) => value.toFixed(4), goal: 1 },
  {
    name: 'distance within classes',
    of: ({ geometry }) => geometry.intra,
    text: (value) => value.toFixed(4),
    goal: -1,
  },
  {
    name: 'distance between classes',
    of: ({ geometry }) => geometry.inter,
    text: (value) => value.toFixed(4),
    goal: 1,
  },
];

/**
 * Every evaluation, arms side by side: means, and deviations where there are several runs.
 *
 * @param sameTest whether all were made on the same test images; else none is the best
 */
export function results(
  report: Report,
  arms: readonly Arm[],
  sameTest = new Set(report.evaluations.map(({ dataset }) => dataset)).size === 1,
): Section | null {
  const measured = arms.filter(({ evaluations }) => evaluations.length > 0);
  if (measured.length === 0) return null;
  const rows = measures.flatMap(({ name, of, text, goal }) => {
    const found = measured.map(({ evaluations }) => evaluations.map(({ evaluation }) => of(evaluation)));
    if (found.some((own) => own.every((value) => value === undefined))) return [];
    const values = found.map((own) => own.flatMap((value) => value ?? []));
    const means = values.map((own) => (own.length === 0 ? null : mean(own)));
    const known = means.flatMap((value) => value ?? []);
    const best = measured.length < 2 || !sameTest ? null : goal === 1 ? Math.max(...known) : Math.min(...known);
    const cells = values.map((own, at) =>
      own.length === 0
        ? n('not measured')
        : // What reads the same is the same.
          n(meanAndDeviation(own, text), means[at] === best && new Set(known.map(text)).size > 1),
    );
    return [[name, ...cells] as const];
  });
  const several = report.evaluations.length > measured.length;
  const labels = measured.map(
    (arm) =>
      html`${armLabel(arm)}${arm.evaluations.length > 1 ? html` <span class="muted">× ${arm.evaluations.length}</span>` : null}`,
  );
  const each = several
    ? html`<details><summary>Every evaluation</summary>${table(
        'Accuracy of each run',
        ['step', 'accuracy', 'nearest neighbours', 'macro F1', 'calibration error'],
        report.evaluations.map(({ step, evaluation: { top1, knn, macroF1, expectedCalibrationError } }) => [
          step,
          n(ifMeasured(top1, percent)),
          n(ifMeasured(knn[0]?.accuracy, percent)),
          n(ifMeasured(macroF1, (value) => value.toFixed(4))),
          n(ifMeasured(expectedCalibrationError, percent)),
        ]),
      )}</details>`
    : null;
  const lead = !sameTest
    ? 'Measured on different test images, so these numbers do not say which is better.'
    : several
      ? 'Means and sample deviations over the runs of each arm. Bold is the better mean, which by itself shows no difference.'
      : 'Measured once on test images that no choice was made with.';
  return {
    id: 'results',
    heading: 'Results',
    lead,
    body: html`${card(html`${byArm('Measures on the test images', labels, rows)}${notesOf(measured)}${each}`)}`,
  };
}

/** What a reader must know to read the numbers; what is true of several evaluations is said once. */
const notesOf = (measured: readonly Arm[]): Html[] =>
  [
    ...new Set(
      measured.flatMap(({ evaluations }) => evaluations.flatMap(({ evaluation }) => evaluationNotes(evaluation))),
    ),
  ]
    .slice(0, shownNotes)
    .map((note) => html`<p class="note">${note}</p>`);
const shownNotes = 12;

/** What was run, with what, and how long it took. */
export function details(report: Report): Section {
  const entries = Object.entries(report.params).map(
    ([name, value]) => html`<dt>${name}</dt><dd><code>${JSON.stringify(value)}</code></dd>`,
  );
  const environment = Object.entries(report.environment).map(
    ([name, value]) =>
      html`<dt>${name}</dt><dd><code>${value.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1…')}</code></dd>`,
  );
  const steps = report.steps.map(
    ({ step, uses, done, seconds, problem, tolerated }) =>
      [
        step,
        { text: uses, n: false },
        {
          text: done
            ? 'done'
            : html`<span class="state-open">${tolerated ? 'failed, and tolerated: ' : ''}${problem ?? 'not done'}</span>`,
          n: false,
        },
        n(seconds === null ? '' : duration(seconds)),
      ] as const,
  );
  return {
    id: 'run',
    heading: 'The run',
    lead: `${times(report.steps.filter(({ done }) => done).length, 'step')} of ${report.steps.length} done.`,
    body: html`<div class="grid">${card(html`<h3>Parameters</h3>${entries.length > 0 ? html`<dl>${entries}</dl>` : html`<p class="muted">The pipeline has none.</p>`}`)}${
      environment.length + report.machines.length === 0
        ? null
        : card(
            html`<h3>Environment</h3><dl>${environment}${report.machines.length === 0 ? null : html`<dt>machines</dt><dd>${report.machines.join(', ')}</dd>`}</dl>`,
          )
    }</div><div class="card" style="margin-top:14px">${table('Steps', ['step', 'kind', 'state', 'time'], steps, { firstNumeric: 3 })}</div>`,
  };
}
