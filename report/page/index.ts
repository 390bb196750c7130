import { times } from '../../contracts/counted.ts';
import type { Report } from '../../contracts/report.ts';
import { type Arm, armsOf } from '../arms.ts';
import { moment } from '../format.ts';
import { measuredSections } from '../measured.ts';
import type { Pictures } from '../pictures.ts';
import type { Drawing } from '../plots/draw.ts';
import { drawAll } from '../plots/index.ts';
import { type Html, html, jsonScript, trusted } from './html.ts';
import type { Section } from './parts.ts';
import { script } from './script.ts';
import { approvalsSection } from './sections/approvals.ts';
import { classesSection, reliabilitySection } from './sections/classes.ts';
import { comparisons, verdictOf } from './sections/comparison.ts';
import { dataSection } from './sections/data.ts';
import { driftSection, driftVerdict } from './sections/drift.ts';
import { inspectionSection } from './sections/inspection.ts';
import { leaksSection } from './sections/leaks.ts';
import { curvesSection } from './sections/measures.ts';
import { modelsSection } from './sections/models.ts';
import { details, results, tiles } from './sections/overview.ts';
import { embeddingSection, mistakesSection } from './sections/pictures.ts';
import { sweepsSection } from './sections/sweeps.ts';
import { trainings } from './sections/trainings.ts';
import { style } from './style.ts';

/**
 * A report as one HTML file that needs nothing else: styles, drawings, pictures and a small script are in it.
 *
 * @param drawings those of the report, where they are drawn already
 */
export function renderReport(
  report: Report,
  pictures: Pictures,
  drawings: ReadonlyMap<string, Drawing> = drawAll(report, armsOf(report)),
): string {
  const arms = armsOf(report);
  const sections = [
    results(report, arms),
    modelsSection(report),
    driftSection(report),
    comparisons(report, drawings),
    sweepsSection(report, drawings),
    trainings(report, drawings),
    curvesSection(report, arms, drawings),
    classesSection(arms, {
      difference: false,
      best: new Set(report.evaluations.map(({ dataset }) => dataset)).size === 1,
    }),
    reliabilitySection(arms, drawings),
    embeddingSection(arms, drawings, pictures),
    mistakesSection(arms, pictures),
    leaksSection(arms, pictures),
    ...measuredSections(report, arms, drawings),
    dataSection(report, pictures),
    inspectionSection(report, pictures),
    approvalsSection(report),
    details(report),
  ].filter((section) => section !== null);
  return renderPage({
    title: report.title,
    header: html`${report.pipeline.description ? html`<p>${report.pipeline.description}</p>` : null}<p class="muted">${origin(report)}</p>${tiles(report)}${verdicts(report)}${warnings(report)}`,
    sections,
    pictures,
    data: mapData(arms),
    builtAt: report.builtAt,
  });
}

/** The frame that every page shares. */
export function renderPage({
  title,
  header,
  sections,
  pictures,
  data,
  builtAt,
}: {
  readonly title: string;
  readonly header: Html;
  readonly sections: readonly Section[];
  readonly pictures: Pictures;
  readonly data: readonly Html[];
  readonly builtAt: string;
}): string {
  const sheets = [...pictures.values()].map(({ uri }, index) => `--sheet-${index}:url("${uri}");`).join('');
  const places = Object.fromEntries(
    [...pictures].map(([digest, { columns, lines, placeOf }], index) => [
      digest,
      { index, columns, lines, rows: [...placeOf.keys()] },
    ]),
  );
  return `<!doctype html>\n${html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title} – Contrail</title><link rel="icon" href="data:,"><style>${trusted(`${style}:root{${sheets}}`)}</style></head><body>
<a class="skip" href="#${sections[0]?.id ?? 'top'}">To the results</a>
<header id="top"><div><h1>${title}</h1>${header}</div></header>
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
<main>${sections.map(
    ({ id, heading, lead, body }) =>
      html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2><p class="muted">${lead}</p>${body}</section>`,
  )}<footer>Built by Contrail, ${moment(builtAt)}.</footer></main>
${jsonScript('sheets', places)}${data}<script>${trusted(script)}</script></body></html>`}\n`;
}

function origin({ run, pipeline, startedAt, endedAt, forkedFrom, schedule, resumes, title }: Report): Html {
  const parts = [
    html`Run <code>${run}</code>`,
    title === pipeline.name ? null : html`pipeline ${pipeline.name}`,
    startedAt === null ? null : html`started ${moment(startedAt)}`,
    endedAt === null ? null : html`last result ${moment(endedAt)}`,
    forkedFrom === null
      ? null
      : html`forked from <code>${forkedFrom.run}</code> at epoch ${forkedFrom.epoch} of ${forkedFrom.step}`,
    schedule === null ? null : html`started by the schedule ${schedule}`,
    resumes.length === 0 ? null : html`resumed ${resumes.length === 1 ? 'once' : `${resumes.length} times`}`,
  ].filter((part) => part !== null);
  return html`${parts.map((part, at) => html`${at > 0 ? ' · ' : ''}${part}`)}`;
}

const verdicts = ({ comparisons: all, drifts }: Report) => [
  ...drifts.map(driftVerdict),
  ...all.map(({ comparison }) => html`<p class="verdict">${verdictOf(comparison)}</p>`),
];

/** The section on the data has them all. */
const mostDataWarnings = 3;

function warnings({ steps, problems, data }: Report): Html | null {
  const open = steps.filter(({ done, uses }) => !done && uses !== 'report');
  const failed = open.filter(({ problem }) => problem !== null);
  const lines = [
    ...(open.length > 0
      ? [
          `${open.length} of ${times(steps.length, 'step')} ${open.length === 1 ? 'is' : 'are'} not done: ${open
            .slice(0, 6)
            .map(({ step }) => step)
            .join(', ')}${open.length > 6 ? ' and more' : ''}. What is done is shown.`,
        ]
      : []),
    ...failed.map(({ step, problem }) => `${step}: ${problem}`),
    ...problems,
    ...data.flatMap(({ step, summary }) =>
      (summary.warnings ?? []).slice(0, mostDataWarnings).map((warning) => `${step}: ${warning}`),
    ),
  ];
  return lines.length === 0 ? null : html`<div class="warning">${lines.map((line) => html`<p>${line}</p>`)}</div>`;
}

/** What the script needs of the points of each map: [row, label, predicted, confidence, neighbours]. */
function mapData(arms: readonly Arm[]): Html[] {
  return arms.flatMap((arm) => {
    const own = arm.evaluations.find(({ map }) => map !== null);
    if (!own?.map) return [];
    const points = own.map.points.map(({ row, label, predicted, confidence, neighbours }) => [
      row,
      label,
      predicted,
      confidence,
      neighbours,
    ]);
    // By number, of the classes that the points name: of all there may be many thousands.
    const named = new Set(own.map.points.flatMap(({ label, predicted }) => [label, predicted ?? label]));
    const classes = Object.fromEntries(
      [...named].map((label) => [label, own.evaluation.classes[label] ?? String(label)]),
    );
    return [jsonScript(`map-${arm.index}`, { digest: own.dataset, classes, points })];
  });
}
