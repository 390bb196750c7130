import { loadPlan, type Store } from '../store/index.ts';
import type { ServerClient } from './connection.ts';
import { followRun } from './follow.ts';
import { interruptedCode, interruptSignal } from './interrupt.ts';
import { print, printJson, say } from './output.ts';
import { planByNow } from './plan-by-now.ts';
import { loadEvaluations, reportOf, reportText, summariseAll } from './summary.ts';
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
  const evaluations = plan ? await loadEvaluations(store, run, await planByNow(store, run, plan)) : [];
  const report = await reportOf(store, run);
  for (const line of toleratedLines(status?.steps ?? [])) say(line);
  const last = evaluations.at(-1)?.evaluation;
  const each = evaluations.map(({ step, evaluation: { top1 } }) => ({ step, top1 }));
  if (json) printJson({ run, state: status?.state, ...(last ? { top1: last.top1, evaluations: each, report } : {}) });
  else if (last) print(`\n${summariseAll(evaluations)}\n\nReport: ${reportText(report, run)}`);
  else if (report !== null) print(`\nReport: ${report}`);
  return 0;
}
