import { readdirSync, readFileSync } from 'node:fs';

/** The process ids of this machine. */
export const allProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The process ids of a run's trainers, which name themselves in the list of processes. */
export const trainersOf = (run: string): number[] =>
  allProcesses().filter((process) => ofProcess(process, 'cmdline').startsWith(`contrail trainer ${run}/`));

/** The process ids of those that a process has started. */
export function childrenOf(process: number): number[] {
  try {
    return readFileSync(`/proc/${process}/task/${process}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // It ended meanwhile.
    return [];
  }
}

/** What the system says of a process; empty where it has ended, or is another user's. */
export function ofProcess(process: number, file: 'cmdline' | 'environ' | 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${process}/${file}`, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

const ticksPerSecond = 100;

/** Processor time of a process in seconds, of all its threads; 0 for a process that has ended. */
export function processorOf(process: number): number {
  // The second field is a name that may hold anything, in brackets; user and system time are the 14th and 15th.
  const fields = ofProcess(process, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}
