import pino, { type Logger } from 'pino';
import { explained } from '../contracts/system-errors.ts';

/**
 * A log in a file, a JSON object a line.
 *
 * One that cannot be written is said once, and its lines are lost: a log must not end what it is about, nor keep it from ending.
 */
export function openLogFile(file: string, tell: (line: string) => void): Logger {
  let told = false;
  const failed = (error: unknown) => {
    if (!told) tell(`The log ${file} cannot be written. ${explained(error)?.message ?? String(error)}`);
    told = true;
  };
  const options = { base: { pid: process.pid } };
  try {
    // Each line is written at once. Otherwise the process has lines left to write as it exits, which throws where the file is not
    // open yet, and tries for ever where the disk is full.
    const destination = pino.destination({ dest: file, mkdir: true, sync: true });
    destination.on('error', failed);
    return pino(options, destination);
  } catch (error) {
    failed(error);
    return pino(options, { write: () => {} });
  }
}
