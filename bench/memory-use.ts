import { readFileSync } from 'node:fs';

/**
 * Memory of this process that is in RAM, in MiB: now, or the most since it started.
 *
 * Linux's `getrusage` (`maxRSS`) will not do: it counts what the process that forked this one had at that moment.
 */
export function residentMebibytes(which: 'now' | 'peak'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const line = which === 'now' ? /VmRSS:\s+(\d+) kB/ : /VmHWM:\s+(\d+) kB/;
  return Number(line.exec(status)?.[1] ?? Number.NaN) / 1024;
}
