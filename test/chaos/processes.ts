import { readdirSync, readFileSync } from 'node:fs';

/** Processes of this machine whose command line passes. */
export function processesWith(wanted: (commandLine: string) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => wanted(fileOf(pid, 'cmdline')) && !isDead(pid));
}

/** Trainers of a run: one for each training that has a process now. */
export const trainersOf = (run: string): number[] =>
  processesWith((line) => line.startsWith(`contrail trainer ${run}/`));

/** Processes that were started with a folder in their variables or arguments. */
export const processesOf = (folder: string): number[] =>
  processesWith(() => true).filter(
    (pid) =>
      pid !== process.pid && (fileOf(pid, 'environ').includes(folder) || fileOf(pid, 'cmdline').includes(folder)),
  );

/** Sends a signal. @returns whether there was a process to send it to */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    // 0 would be this process and all that it started.
    return pid > 0 && process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
    return false;
  }
}

const isDead = (pid: number): boolean => /\) [ZX] /.test(fileOf(pid, 'stat'));

function fileOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    // It ended meanwhile, or is another user's.
    return '';
  }
}

/** Processes that a process has started. */
export const childrenOf = (pid: number): number[] =>
  fileOf(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
