import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { superviseChild } from '../../cli/processes.ts';

/** A process whose output is in a file. */
export interface LoggedProcess {
  readonly child: ChildProcess;
  readonly log: string;
}

const graceMs = 15_000;

export function startLogged(
  log: string,
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'stdio'> & { readonly env: NodeJS.ProcessEnv },
): LoggedProcess {
  const output = openSync(log, 'a', 0o600);
  try {
    // Its own group: what a terminal sends reaches this process, which stops them in turn.
    const child = spawn(program, [...args], { ...options, detached: true, stdio: ['ignore', output, output] });
    child.once('error', () => {});
    return { child, log };
  } finally {
    closeSync(output);
  }
}

/** Waits until something is so. @throws Error with the end of its output when the process ends first, or it takes too long */
export async function untilReady(
  { child, log }: LoggedProcess,
  what: string,
  isReady: () => Promise<boolean>,
  patienceMs = 300_000,
): Promise<void> {
  for (const until = Date.now() + patienceMs; !(await isReady()); await sleep(200))
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null || Date.now() > until)
      throw new Error(`${what} did not start: ${endOf(log, 5)}`);
}

/** The last lines of a log. */
export const endOf = (log: string, lines: number): string =>
  readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');

/** Has a process end, by force where it does not by itself. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await superviseChild(child).ended;
  clearTimeout(timer);
}
