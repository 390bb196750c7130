import { join } from 'node:path';
import { openHome } from '../../home/home.ts';
import { buildComparison, writeReport } from '../../report/index.ts';
import { openStore, reportFolder } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { localCopy } from '../local-copy.ts';
import { print, printJson, say } from '../output.ts';
import { openPage, type PageOptions, writeFolder } from '../page-folder.ts';

/** `contrail compare`: writes one page about several runs. */
export async function compareCommand(
  runs: readonly string[],
  { open, to, replace, json }: PageOptions,
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  for (const run of runs) await requireKnownPlan(store, run);
  const [first = ''] = runs;
  const { files, name } = await buildComparison(store, runs, say);
  const page =
    to === undefined
      ? await writeReport(store, first, files, name)
      : await writeFolder(to, files, { page: `${name}.html`, replace });
  if (json) printJson({ runs, page, files: files.size });
  else print(`Comparison: ${page}`);
  if (open) await openPage(to === undefined ? join(await localCopy(store, reportFolder(first)), `${name}.html`) : page);
  return 0;
}
