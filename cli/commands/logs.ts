import pc from 'picocolors';
import { ContrailError } from '../../contracts/errors.ts';
import type { LogLine } from '../../contracts/logs.ts';
import type { Plan } from '../../contracts/plan.ts';
import { isShardsKind, isTrainingKind } from '../../contracts/training-kinds.ts';
import { openHome } from '../../home/home.ts';
import { openStore, readRunLog } from '../../store/index.ts';
import { connect, type ServerClient } from '../connection.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { lostAttempts } from '../lost-attempts.ts';
import { print, printJson, say } from '../output.ts';
import { isServerAway } from '../perhaps-server.ts';
import { planByNow } from '../plan-by-now.ts';
import { findRun } from '../runs.ts';
import { localTime } from '../times.ts';

const pollMs = 1000;

/** `contrail logs`: what workers and trainers of all machines said of a run. */
export async function logsCommand(
  run: string,
  step: string | undefined,
  { follow, json }: { readonly follow: boolean; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const written = await requireKnownPlan(store, run);
  const plan = await planByNow(store, run, written);
  const ids = plan.steps.map(({ id }) => id);
  if (step !== undefined && !ids.includes(step))
    throw new ContrailError('Usage', `${run} has no step ${step}. There is: ${ids.join(', ')}.`);
  const width = Math.max(...ids.map((id) => id.length));
  const show = (lines: readonly LogLine[]) => {
    for (const line of lines)
      if (step === undefined || line.step === step) {
        if (json) printJson(line);
        else print(format(line, width));
      }
  };
  const server = await connect().catch((error: unknown) => {
    if (follow || !isServerAway(error)) throw error;
    say('The server does not answer, so attempts that were lost with their worker are not shown.');
    return null;
  });
  try {
    const first = await readRunLog(store, run, undefined, say);
    const lost = server
      ? await lostAttempts(server, run, workflowsOf(plan)).catch((error: unknown) => {
          if (follow || !isServerAway(error)) throw error;
          say('The server went away, so attempts that were lost with their worker are not shown.');
          return [];
        })
      : [];
    show([...first.lines, ...lost].sort((a, b) => (a.time < b.time ? -1 : 1)));
    if (!follow || !server) {
      if (first.lines.length === 0 && !json) say('Nothing was logged yet.');
      return 0;
    }
    const signal = interruptSignal();
    const interrupted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    let { position } = first;
    const seen = new Set(lost.map(keyOf));
    for (let running = true; running && !signal.aborted; ) {
      await Promise.race([interrupted, new Promise((resolve) => setTimeout(resolve, pollMs))]);
      // Asked before the log is read, so that the last lines are not missed.
      running = await isRunning(server, run);
      if (!running) await new Promise((resolve) => setTimeout(resolve, 2 * pollMs));
      const next = await readRunLog(store, run, position, say);
      const workflows = workflowsOf(await planByNow(store, run, written));
      const news = (await lostAttempts(server, run, workflows)).filter((line) => !seen.has(keyOf(line)));
      for (const line of news) seen.add(keyOf(line));
      show([...next.lines, ...news].sort((a, b) => (a.time < b.time ? -1 : 1)));
      position = next.position;
    }
    return signal.aborted ? interruptedCode : 0;
  } finally {
    await server?.close();
  }
}

/** Steps that are workflows of their own. */
const workflowsOf = ({ steps }: Plan): string[] =>
  steps.filter(({ uses }) => isTrainingKind(uses) || isShardsKind(uses)).map(({ id }) => id);

const keyOf = ({ time, step, message }: LogLine) => `${time} ${step} ${message}`;

const isRunning = async (server: ServerClient, run: string): Promise<boolean> =>
  (await findRun(server, run))?.status.name === 'RUNNING';

function format({ time, level, step, source, message }: LogLine, width: number): string {
  const colour = level === 'error' ? pc.red : level === 'warn' ? pc.yellow : (text: string) => text;
  const from = source === 'trainer' || source === 'program' ? `${pc.dim('|')} ` : '';
  return `${pc.dim(localTime(time))} ${pc.bold(step.padEnd(width))} ${from}${colour(message)}`;
}
