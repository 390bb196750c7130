import { readdirSync, readFileSync } from 'node:fs';

/** The process ids of a run's trainers, which name themselves in the list of processes. */
export const trainersOf = (run: string): number[] =>
  readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && ofProcess(Number(name), 'cmdline').startsWith(`contrail trainer ${run}/`)
      ? [Number(name)]
      : [],
  );

/** What the system says of a process; empty where it has ended. */
export function ofProcess(process: number, file: 'cmdline' | 'stat' | 'status'): string {
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
