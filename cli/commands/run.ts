import { ContrailError } from '../../contracts/errors.ts';
import { runIdSchema } from '../../contracts/identifiers.ts';
import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { graphOf } from '../../pipelines/language/describe/graph/index.ts';
import { loadPlan, openStore, type Store } from '../../store/index.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { followRun } from '../follow.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { print, printJson, say } from '../output.ts';
import { openPipelineFile, readPipelineFile } from '../pipeline-file.ts';
import { planByNow } from '../plan-by-now.ts';
import { describeRun, newRunId, startRun } from '../runs.ts';
import { loadEvaluation, reportOf, reportText, summarise } from '../summary.ts';
import { toleratedLines } from '../trouble.ts';

/** Whoever names a run names a workflow and a folder. @throws ContrailError Usage */
export function checkRunId(run: string): string {
  const checked = runIdSchema.safeParse(run);
  if (!checked.success)
    throw new ContrailError('Usage', `The run id ${JSON.stringify(run)} ${checked.error.issues[0]?.message}.`);
  return run;
}

/** `contrail validate` */
export async function validateCommand(
  file: string,
  { set, json, code }: { readonly set: Readonly<Record<string, Json>>; readonly json: boolean; readonly code: boolean },
): Promise<number> {
  const plan = await readPipelineFile(file, set, { runCode: code });
  if (json) printJson(plan);
  else {
    const steps = graphOf(plan).nodes.map(
      ({ id, uses, count }) => `${id}${count === null ? '' : ` ×${count}`} (${uses})`,
    );
    print(`${file} is valid: ${steps.join(', ')}`);
  }
  return 0;
}

export interface RunOptions {
  readonly set: Readonly<Record<string, Json>>;
  readonly id?: string;
  readonly detach: boolean;
  readonly json: boolean;
  /** False with --no-cache. */
  readonly cache: boolean;
}

/** `contrail run` */
export async function runCommand(file: string, { set, id, detach, json, cache }: RunOptions): Promise<number> {
  const pipeline = await openPipelineFile(file);
  const plan = pipeline.plan(set);
  const run = checkRunId(id ?? newRunId(plan.name));
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    await pipeline.code.store(store);
    await startRun(server, store, run, plan, false, {
      source: pipeline.source(),
      ...(cache ? {} : { useCache: false }),
    });
    announce(server, run, `Started ${run}`);
    if (!detach) return follow(server, store, run, json);
    if (json) printJson({ run });
    return 0;
  });
}

/** `contrail watch` */
export async function watchCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  checkRunId(run);
  return withServer(async (server) => {
    await describeRun(server, run);
    return follow(server, openStore(openHome().storeUrl), run, json);
  });
}

/** Says what became of a run, and where to look at it. */
export function announce({ pageOf }: ServerClient, run: string, what: string): void {
  const page = pageOf(run);
  say(page === null ? what : `${what}; Temporal shows it at ${page}`);
}

/** Follows a run to its end and shows what it measured. Ctrl-C leaves the run going. */
export async function follow(server: ServerClient, store: Store, run: string, json: boolean): Promise<number> {
  const signal = interruptSignal();
  const status = await followRun(server, run, { json, signal, locate: store.locate });
  if (signal.aborted) {
    say(`The run goes on. \`contrail watch ${run}\` shows it again, \`contrail cancel ${run}\` stops it.`);
    return interruptedCode;
  }
  const plan = await loadPlan(store, run);
  const evaluation = plan ? await loadEvaluation(store, run, await planByNow(store, run, plan)) : null;
  const report = await reportOf(store, run);
  for (const line of toleratedLines(status?.steps ?? [])) say(line);
  if (json) printJson({ run, state: status?.state, ...(evaluation ? { top1: evaluation.top1, report } : {}) });
  else if (evaluation) print(`\n${summarise(evaluation)}\n\nReport: ${reportText(report, run)}`);
  else if (report !== null) print(`\nReport: ${report}`);
  return 0;
}
