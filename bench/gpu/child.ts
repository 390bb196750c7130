import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '../../native/paths.ts';
import { fastEnvironment } from '../../training/process/environment.ts';
import { type Figure, figureSchema } from './figures.ts';

const entry = fileURLToPath(new URL('part.ts', import.meta.url));
const keptLines = 12;

export interface ChildOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly limitSeconds: number;
  readonly onFigure: (figure: Figure) => void;
  /** Of its error output. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs one part in a process of its own, with a trainer's environment, and ends it with all that it started when its time is over.
 *
 * @returns null when it came to its end, else why not, with the last lines that it wrote
 */
export async function runChild(
  part: string,
  operands: object,
  { environment = {}, limitSeconds, onFigure, onLine = () => {} }: ChildOptions,
): Promise<string | null> {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), entry, part, JSON.stringify(operands)],
    {
      env: { ...process.env, ...trainerEnvironment(), ...fastEnvironment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // A group of its own, so that what it started ends with it.
      detached: true,
    },
  );
  const last: string[] = [];
  const say = (line: string) => {
    last.push(line.slice(0, 500));
    if (last.length > keptLines) last.shift();
    onLine(line);
  };
  readLines(child.stdout, say);
  readLines(child.stderr, say);
  readLines(child.stdio[3], (line) => onFigure(figureSchema.parse({ part, ...JSON.parse(line) })));
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    endGroup(child.pid);
  }, limitSeconds * 1000);
  const interrupted = () => endGroup(child.pid);
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await new Promise<string | null>((resolve) => {
      child.once('error', ({ message }) => resolve(message));
      child.once('close', (code, signal) => {
        if (code === 0) return resolve(null);
        const how = late
          ? `not done after ${Math.round(limitSeconds)} s`
          : signal
            ? `ended by ${signal}`
            : `code ${code}`;
        resolve([how, ...last].join('\n'));
      });
    });
  } finally {
    clearTimeout(limit);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    endGroup(child.pid);
  }
}

const readLines = (stream: unknown, say: (line: string) => void) =>
  createInterface({ input: stream as Readable }).on('line', say);

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All have ended.
  }
}
