import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../contracts/child-environment.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import { createLineReader } from '../../contracts/lines.ts';
import { type Channel, channelEnvironment, openChannel } from './channel.ts';
import { fastEnvironment } from './environment.ts';

/** A trainer's process, as the worker sees it. */
export interface TrainerProcess {
  /** `run/step`, for messages. */
  readonly name: string;
  readonly child: ChildProcess;
  readonly channel: Channel;
  /** The last lines that it wrote, for the message when it dies. */
  readonly lastLines: readonly string[];
  /** Tells of its end, also where it could not be started. @returns a function that ends the listening */
  readonly onEnd: (listener: (end: TrainerEnd) => void) => () => void;
}

export type TrainerEnd =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly how: 'not-started'; readonly error: Error };

export interface TrainerProcessOptions {
  /** The module that the process runs; it is given run, step and store URL as arguments. */
  readonly entry: URL;
  readonly storeUrl: string;
  /** Added to the environment: library paths, log levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that trainers write to their output. */
  readonly log: (key: StepKey, line: string) => void;
}

const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
const keptLines = 20;
/** A longer line is cut: the last ones go into a message. */
const lineCharacters = 2000;
/** What a dead process has said is waited for so long: a process of its own may hold its output open. */
const lastWordsMs = 1000;

/** Starts the process of a trainer. */
export function startTrainer(key: StepKey, options: TrainerProcessOptions): TrainerProcess {
  const { entry, storeUrl, environment, log } = options;
  const child = spawn(process.execPath, [runner, fileURLToPath(entry), key.run, key.step, storeUrl], {
    env: { ...fastEnvironment, ...childEnvironment(process.env, 'compute'), ...environment, ...channelEnvironment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C in the terminal must reach the worker alone, which then asks for a checkpoint.
    detached: true,
  });
  const lastLines: string[] = [];
  const say = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > keptLines) lastLines.shift();
    log(key, line);
  };
  readLines(child.stdout, say);
  readLines(child.stderr, say);
  const listeners = new Set<(end: TrainerEnd) => void>();
  let ended: TrainerEnd | undefined;
  const end = (how: TrainerEnd) => {
    if (ended) return;
    ended = how;
    for (const listener of [...listeners]) listener(how);
  };
  child.once('exit', (code, signal) => {
    const how: TrainerEnd = signal ? { how: 'signal', signal } : { how: 'exit', code: code ?? 0 };
    child.once('close', () => end(how));
    setTimeout(() => end(how), lastWordsMs).unref();
  });
  child.on('error', (error) => {
    if (child.pid === undefined) end({ how: 'not-started', error });
  });
  const onEnd = (listener: (how: TrainerEnd) => void) => {
    if (ended) queueMicrotask(() => ended && listener(ended));
    else listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { name: `${key.run}/${key.step}`, child, channel: openChannel(child), lastLines, onEnd };
}

function readLines(stream: Readable | null | undefined, say: (line: string) => void): void {
  if (!stream) return;
  const { write, end } = createLineReader(lineCharacters, say);
  stream.setEncoding('utf8').on('data', write);
  stream.on('end', end);
  stream.on('error', end);
}
