import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { createLineReader } from '../../contracts/lines.ts';
import { fastEnvironment } from './environment.ts';

/** A process that TensorFlow computes in, as the one that started it sees it. */
export interface ComputeProcess {
  readonly child: ChildProcess;
  /** The last lines that it wrote, for the message when it dies. */
  readonly lastLines: readonly string[];
  /** Tells of its end, also where it could not be started. @returns a function that ends the listening */
  readonly onEnd: (listener: (end: ProcessEnd) => void) => () => void;
}

export type ProcessEnd =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly how: 'not-started'; readonly error: Error };

export interface ComputeProcessOptions {
  /** The module that the process runs. */
  readonly entry: URL;
  readonly args: readonly string[];
  /** Added to the environment: library paths, log levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that the process writes to its output. */
  readonly log: (line: string) => void;
  /** Pipes from file descriptor 4 on. @default 0 */
  readonly morePipes?: number;
}

const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
const keptLines = 5;
/** A longer line is cut: the last ones go into a message. */
const lineCharacters = 2000;
/** What a dead process has said is waited for so long: a process of its own may hold its output open. */
const lastWordsMs = 1000;

/** Starts a process that computes. Its file descriptor 3 is a pipe in both directions, for whoever speaks with it. */
export function startComputeProcess({
  entry,
  args,
  environment,
  log,
  morePipes = 0,
}: ComputeProcessOptions): ComputeProcess {
  const child = spawn(process.execPath, [runner, fileURLToPath(entry), ...args], {
    env: { ...fastEnvironment, ...childEnvironment(process.env, 'store'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...new Array<'pipe'>(morePipes).fill('pipe')],
    // Its own process group: Ctrl-C in the terminal must reach the one that started it alone, which has something to finish.
    detached: true,
  });
  const lastLines: string[] = [];
  const say = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > keptLines) lastLines.shift();
    log(line);
  };
  readLines(child.stdout, say);
  readLines(child.stderr, say);
  const listeners = new Set<(end: ProcessEnd) => void>();
  let ended: ProcessEnd | undefined;
  const end = (how: ProcessEnd) => {
    if (ended) return;
    ended = how;
    for (const listener of [...listeners]) listener(how);
  };
  child.once('exit', (code, signal) => {
    const how: ProcessEnd = signal ? { how: 'signal', signal } : { how: 'exit', code: code ?? 0 };
    child.once('close', () => end(how));
    setTimeout(() => end(how), lastWordsMs).unref();
  });
  child.on('error', (error) => {
    if (child.pid === undefined) end({ how: 'not-started', error });
  });
  return {
    child,
    lastLines,
    onEnd: (listener) => {
      const how = ended;
      if (how) queueMicrotask(() => listener(how));
      else listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The error of work that its process did not live to finish. @param what the process, at the beginning of a sentence */
export function deathOf(
  what: string,
  { lastLines }: Pick<ComputeProcess, 'lastLines'>,
  end: ProcessEnd,
): ContrailError {
  if (end.how === 'not-started')
    return new ContrailError('TrainerCrashed', `${what} could not be started: ${end.error.message}.`, {
      cause: end.error,
    });
  const how = end.how === 'signal' ? `was ended by ${end.signal}` : `ended with exit code ${end.code}`;
  const tail = lastLines.length > 0 ? ` Its last lines: ${lastLines.join(' | ')}` : '';
  return new ContrailError('TrainerCrashed', `${what} ${how}.${tail}`);
}

function readLines(stream: Readable | null, say: (line: string) => void): void {
  if (!stream) return;
  const { write, end } = createLineReader(lineCharacters, say);
  stream.setEncoding('utf8').on('data', write);
  stream.on('end', end);
  stream.on('error', end);
}
