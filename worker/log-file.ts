import pino, { type Logger } from 'pino';
import { explained } from '../contracts/system-errors.ts';

/**
 * A log in a file, a JSON object a line.
 *
 * One that cannot be written is said once, and its lines are lost: a log must not end what it is about.
 */
export function openLogFile(file: string, tell: (line: string) => void): Logger {
  const destination = pino.destination({ dest: file, mkdir: true, sync: false });
  let told = false;
  destination.on('error', (error: unknown) => {
    if (!told) tell(`The log ${file} cannot be written. ${explained(error)?.message ?? String(error)}`);
    told = true;
  });
  return pino({ base: { pid: process.pid } }, destination);
}
