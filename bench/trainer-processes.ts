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
