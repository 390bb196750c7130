import { loadPlan, type Store } from '../store/index.ts';
import type { ServerClient } from './connection.ts';
import { followRun } from './follow.ts';
import { interruptedCode, interruptSignal } from './interrupt.ts';
import { print, printJson, say } from './output.ts';
import { planByNow } from './plan-by-now.ts';
import { loadEvaluation, reportOf, reportText, summarise } from './summary.ts';
import { toleratedLines } from './trouble.ts';

/** Follows a run to its end and shows what it measured. Ctrl-C leaves the run going. */
export async function followToEnd(server: ServerClient, store: Store, run: string, json: boolean): Promise<number> {
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
