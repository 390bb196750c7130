import { allProcesses, ofProcess } from '../../bench/trainer-processes.ts';

/** Processes that were started with a folder in their variables or arguments. */
export const processesOf = (folder: string): number[] =>
  allProcesses().filter(
    (pid) =>
      pid !== process.pid && (ofProcess(pid, 'environ').includes(folder) || ofProcess(pid, 'cmdline').includes(folder)),
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
