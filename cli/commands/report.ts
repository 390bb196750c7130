import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openHome } from '../../home/home.ts';
import { buildComparison, buildReport, headlineOf, type ReportFiles, writeReport } from '../../report/index.ts';
import { openStore } from '../../store/index.ts';
import { percent, print, printJson, say } from '../output.ts';
import { checkRunId } from './run.ts';

export interface PageOptions {
  readonly open: boolean;
  readonly to?: string;
  readonly json: boolean;
}

/** `contrail report`: writes the page of a run, finished or not. */
export async function reportCommand(run: string, { open, to, json }: PageOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const { report, files } = await buildReport(store, checkRunId(run), { onProgress: say });
  const page = to === undefined ? await writeReport(store, run, files) : await writeFolder(to, files);
  const headline = headlineOf(report);
  if (json) printJson({ run, page, files: files.size, ...headline });
  else {
    const { top1, knn } = headline;
    if (top1 !== null && knn !== null) print(`Test accuracy ${percent(top1)}, nearest neighbours ${percent(knn)}`);
    print(`Report: ${page}`);
  }
  if (open) await openPage(page);
  return 0;
}

/** `contrail compare`: writes one page about several runs. */
export async function compareCommand(runs: readonly string[], { open, to, json }: PageOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const [first = ''] = runs.map(checkRunId);
  const { files, name } = await buildComparison(store, runs, say);
  const page =
    to === undefined ? await writeReport(store, first, files, name) : await writeFolder(to, files, `${name}.html`);
  if (json) printJson({ runs, page, files: files.size });
  else print(`Comparison: ${page}`);
  if (open) await openPage(page);
  return 0;
}

/** Writes into a folder of the user's as into a store, each file whole or not at all; gives where the page is. */
async function writeFolder(to: string, files: ReportFiles, page = 'report.html'): Promise<string> {
  const folder = openStore(resolve(to));
  for (const [name, content] of [...files].reverse()) await folder.write(name, content);
  return folder.locate(page);
}

async function openPage(page: string): Promise<void> {
  const { default: openInBrowser } = await import('open');
  const browser = await openInBrowser(pathToFileURL(page).href);
  browser.unref();
}
