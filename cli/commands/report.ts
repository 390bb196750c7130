import { join } from 'node:path';
import { openHome } from '../../home/home.ts';
import { buildReport, headlineOf, writeReport } from '../../report/index.ts';
import { openStore, reportFolder } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { localCopy } from '../local-copy.ts';
import { percent, print, printJson, say } from '../output.ts';
import { openPage, type PageOptions, writeFolder } from '../page-folder.ts';

/** `contrail report`: writes the page of a run, finished or not. */
export async function reportCommand(run: string, { open, to, replace, json }: PageOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  await requireKnownPlan(store, run);
  const { report, files } = await buildReport(store, run, { onProgress: say });
  const page = to === undefined ? await writeReport(store, run, files) : await writeFolder(to, files, { replace });
  const headline = headlineOf(report);
  if (json) printJson({ run, page, files: files.size, ...headline });
  else {
    const { top1, knn } = headline;
    if (top1 !== null && knn !== null) print(`Test accuracy ${percent(top1)}, nearest neighbours ${percent(knn)}`);
    print(`Report: ${page}`);
  }
  if (open) await openPage(to === undefined ? join(await localCopy(store, reportFolder(run)), 'report.html') : page);
  return 0;
}
