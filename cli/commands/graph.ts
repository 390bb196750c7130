import { existsSync, statSync } from 'node:fs';
import { opendir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import pc from 'picocolors';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import type { Plan } from '../../contracts/plan.ts';
import { explained } from '../../contracts/system-errors.ts';
import { openHome } from '../../home/home.ts';
import {
  graphAsMermaid,
  graphAsSvg,
  graphAsText,
  graphOf,
  type StepProgress,
} from '../../pipelines/language/describe/graph/index.ts';
import { loadPlan, openStore, type Store } from '../../store/index.ts';
import { checkRunId } from '../given-names.ts';
import { coloured, print, say } from '../output.ts';
import { withServerIfAny } from '../perhaps-server.ts';
import { readPipelineFile } from '../pipeline-file.ts';
import { planByNow } from '../plan-by-now.ts';
import { findRun, queryStatus } from '../runs.ts';
import { storedSteps } from '../stored-run.ts';
import { unknownRun } from '../unknown-run.ts';
import { type Replacing, requireFilePlace, writeWhole } from '../write-whole.ts';

export interface GraphOptions {
  readonly format: 'text' | 'mermaid' | 'svg';
  readonly to?: string;
  readonly replace: boolean;
  readonly set: Readonly<Record<string, Json>>;
}

type Progress = Readonly<Record<string, StepProgress>>;

/** `contrail graph`: the steps of a pipeline, or of a run with their states. */
export async function graphCommand(what: string, { format, to, replace, set }: GraphOptions): Promise<number> {
  const { plan, progress } = isPipeline(what)
    ? { plan: await readPipelineFile(what, set), progress: undefined }
    : await loadRun(what, set);
  const graph = graphOf(plan, progress);
  const paint = {
    title: pc.bold,
    id: pc.bold,
    faint: pc.dim,
    state: (state: string, text: string) => coloured(state, text),
  };
  const drawing =
    format === 'svg'
      ? graphAsSvg(graph)
      : format === 'mermaid'
        ? graphAsMermaid(graph)
        : graphAsText(graph, to === undefined ? paint : undefined);
  if (to === undefined) print(drawing);
  else {
    await writeDrawing(to, `${drawing}\n`, { replace });
    say(`Wrote ${to}`);
  }
  return 0;
}

/** A run's id has no folder and no such ending. */
const isPipeline = (what: string) => /[/\\]|\.(ya?ml|[cm]?[jt]s)$/.test(what) || existsSync(what);

async function loadRun(
  run: string,
  set: Readonly<Record<string, Json>>,
): Promise<{ readonly plan: Plan; readonly progress: Progress }> {
  if (Object.keys(set).length > 0)
    throw new ContrailError('Usage', '--set is for pipelines; the params of a run are what they were.');
  const store = openStore(openHome().storeUrl);
  const plan = await loadPlan(store, checkRunId(run));
  if (!plan) {
    const { message } = await unknownRun(store, run);
    throw new ContrailError('RunNotFound', `There is no file ${run}. ${message}`);
  }
  return { plan: await planByNow(store, run, plan), progress: await progressOf(store, run, plan) };
}

const always = async () => true;

/** The states of the steps: from the server where it and a worker answer, else from the store. */
const progressOf = (store: Store, run: string, plan: Plan): Promise<Progress> =>
  withServerIfAny(always, async (server) => {
    const known = server && (await findRun(server, run));
    const status = server && known && (await queryStatus(server, run));
    if (server && !known) say(`${run} is not on this server; this is what the store knows.`);
    if (known && !status) say('No worker answers; this is what the store knows.');
    const hasEnded = known ? known.status.name !== 'RUNNING' : server !== null;
    const steps = status?.steps ?? (await storedSteps(store, run, plan, { hasEnded }));
    return Object.fromEntries(steps.map((step) => [step.id, step]));
  });

/** A file is written as a whole; into a device or a pipe, such as `/dev/stdout`, it is written. */
async function writeDrawing(file: string, text: string, replacing: Replacing): Promise<void> {
  try {
    const there = file === '' ? undefined : statSync(file, { throwIfNoEntry: false });
    if (there && !there.isFile() && !there.isDirectory()) return await writeFile(file, text);
    await requireFilePlace(file, replacing, text);
    await (await opendir(dirname(resolve(file)))).close();
    await writeWhole(file, text, { replace: true });
  } catch (cause) {
    if (isContrailError(cause)) throw cause;
    throw new ContrailError('Usage', `${file} cannot be written: ${explained(cause)?.message ?? String(cause)}`, {
      cause,
    });
  }
}
