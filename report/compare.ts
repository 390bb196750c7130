import { count } from '../contracts/counted.ts';
import { isMapping, type Json } from '../contracts/json.ts';
import type { Origin, Report } from '../contracts/report.ts';
import { differencesOf } from '../contracts/training-changes.ts';
import { commonImages, sameTestImages } from '../evaluation/comparison/common-images.ts';
import { commonSearches, type RunSearch } from '../evaluation/comparison/common-searches.ts';
import { jsonBytes, type Store } from '../store/index.ts';
import { type Arm, armsOf } from './arms.ts';
import { duration, moment } from './format.ts';
import { gather } from './gather/index.ts';
import { headlineOf } from './headline.ts';
import { measuredSections } from './measured.ts';
import { html } from './page/html.ts';
import { renderPage } from './page/index.ts';
import { armLabel, card, figureOf, legend, n, type Section, table } from './page/parts.ts';
import { classesSection, reliabilitySection } from './page/sections/classes.ts';
import { commonImagesSection } from './page/sections/common-images.ts';
import { commonSearchesSection } from './page/sections/common-searches.ts';
import { curvesSection } from './page/sections/measures.ts';
import { results } from './page/sections/overview.ts';
import { drawAll } from './plots/index.ts';
import { drawOverlay } from './plots/training.ts';
import { plotFiles, type ReportFiles } from './write.ts';

/**
 * One page about several runs: what differs between them, what they measured, their curves over each other.
 *
 * @returns the files, and the name of the page without its ending
 * @throws ContrailError RunNotFound
 */
export async function buildComparison(
  store: Store,
  runs: readonly string[],
  onProgress: (line: string) => void = () => {},
): Promise<{ readonly files: ReportFiles; readonly name: string }> {
  const reports: Report[] = [];
  for (const run of new Set(runs)) {
    onProgress(`reading ${run}`);
    reports.push(await gather(store, run, { maps: false }));
  }
  const joined = join(reports);
  const comparable = await sameTestImages(store, joined.evaluations);
  const common = comparable ? null : await commonImages(store, joined.evaluations);
  const searches = await commonSearches(store, runSearches(reports));
  const arms = armsOf(joined);
  const drawings = new Map(drawAll({ ...joined, trainings: [] }, arms));
  const overlays = drawOverlay(joined.trainings, arms);
  for (const drawing of overlays) drawings.set(drawing.name, drawing);
  const name = 'compare';
  const page = renderPage({
    title: reports.map(({ run }) => run).join(', '),
    header: html`<p class="muted">${reports.length} runs side by side. Differences between single runs may be chance: another seed moves these numbers, too.</p>`,
    sections: [
      runsSection(reports, arms),
      differencesSection(reports),
      common && commonImagesSection(common, arms),
      results(joined, arms, comparable),
      commonSearchesSection(searches, arms),
      overlays.length === 0
        ? null
        : {
            id: 'training',
            heading: 'Training',
            lead: 'Loss by epoch. Losses of different kinds cannot be compared, so each has a drawing of its own.',
            body: html`<div class="grid">${overlays.map((drawing) => card(html`${legend(arms)}${figureOf(drawing)}`))}</div>`,
          },
      curvesSection(joined, arms, drawings),
      classesSection(arms, { difference: comparable, best: comparable }),
      reliabilitySection(arms, drawings),
      ...measuredSections(joined, arms, drawings, comparable),
    ].filter((section) => section !== null),
    pictures: new Map(),
    data: [],
    builtAt: joined.builtAt,
  });
  const files = new Map<string, Uint8Array>([
    [`${name}.html`, new TextEncoder().encode(page)],
    // A compare step is mostly called so too, and writes what it measured into `compare.json`.
    [`${name}-runs.json`, jsonBytes({ format: 'contrail-comparison-of-runs/1', reports })],
  ]);
  for (const [path, bytes] of await plotFiles(drawings)) files.set(path.replace(/^plots/, `${name}-plots`), bytes);
  return { files, name };
}

/** Names the arms of a report as those of its run. */
function relabel(report: Report) {
  const single = armsOf(report).length === 1;
  return <T extends Origin>(each: T): T => ({ ...each, arm: single ? report.run : `${report.run} ${each.arm}` });
}

const runSearches = (reports: readonly Report[]): readonly RunSearch[] =>
  reports.flatMap((report) => report.retrieval.map(relabel(report)).map((each) => ({ ...each, run: report.run })));

/** The reports as one, whose arms are those of each run. */
function join(reports: readonly Report[]): Report {
  const [first] = reports as [Report];
  const all = <T extends Origin>(of: (report: Report) => readonly T[]): T[] =>
    reports.flatMap((report) => of(report).map(relabel(report)));
  return {
    ...first,
    trainings: all((report) => report.trainings),
    encoders: all((report) => report.encoders),
    evaluations: all((report) => report.evaluations),
    robustness: all((report) => report.robustness),
    outliers: all((report) => report.outliers),
    retrieval: all((report) => report.retrieval),
    inspections: [],
    curves: all((report) => report.curves),
    comparisons: [],
    steps: [],
  };
}

function runsSection(reports: readonly Report[], arms: readonly Arm[]): Section {
  const rows = reports.map((report) => {
    const { seconds, restarts } = headlineOf(report);
    const arm = arms.find(({ name }) => name === report.run);
    return [
      arm ? armLabel(arm) : report.run,
      { text: report.pipeline.name, n: false },
      { text: report.startedAt === null ? '–' : moment(report.startedAt), n: false },
      n(`${report.steps.filter(({ done }) => done).length} of ${report.steps.length}`),
      n(seconds === null ? '–' : duration(seconds)),
      n(String(restarts)),
    ] as const;
  });
  return {
    id: 'runs',
    heading: 'Runs',
    lead: 'What is compared.',
    body: card(
      table('Runs', ['run', 'pipeline', 'started', 'steps done', 'time', 'restarts'], rows, { firstNumeric: 3 }),
    ),
  };
}

const listOf = (values: readonly string[]) => [...new Set(values)].join(', ');

/** Parameters and versions that are not the same in all runs. */
function differencesSection(reports: readonly Report[]): Section {
  const given = ({ params, environment, evaluations }: Report): { [key: string]: Json } => ({
    params,
    environment,
    measured: {
      'data sets': listOf(evaluations.map(({ dataset }) => `${dataset.slice(0, 12)}…`)),
      'test images': listOf(evaluations.map(({ evaluation }) => count(evaluation.testImages))),
    },
  });
  const [first] = reports as [Report];
  const paths = [
    ...new Set(reports.flatMap((report) => differencesOf(given(first), given(report)).map(({ path }) => path))),
  ].sort();
  const textAt = (report: Report, path: string) => {
    const [head = '', ...rest] = path.split('.');
    const value = rest.reduce<Json | undefined>(
      (so, key) => (isMapping(so) ? so[key] : undefined),
      given(report)[head],
    );
    if (value === undefined) return 'absent';
    return head === 'measured' ? String(value) : JSON.stringify(value).replace(/^"([0-9a-f]{12})[0-9a-f]{52}"$/, '$1…');
  };
  return {
    id: 'differences',
    heading: 'Differences',
    lead:
      paths.length === 0
        ? 'All were given the same parameters and data, with the same versions of the software.'
        : 'What they were given that is not the same in all; “contrail diff” lists everything that two differ in.',
    body:
      paths.length === 0
        ? html``
        : card(
            table(
              'Parameters and environment',
              ['', ...reports.map(({ run }) => run)],
              paths.map(
                (path) =>
                  [
                    path.replace(/^(params|measured)\./, ''),
                    ...reports.map((report) => ({ text: html`<code>${textAt(report, path)}</code>`, n: false })),
                  ] as const,
              ),
            ),
          ),
  };
}
