import { spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { childEnvironment } from '../contracts/child-environment.ts';

/** What a program is started with. Nothing of it is seen in the list of processes but the command. */
export interface ProgramStart {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const endSchema = z.discriminatedUnion('how', [
  z.strictObject({ how: z.literal('exit'), code: z.int() }),
  z.strictObject({ how: z.literal('signal'), signal: z.string() }),
  z.strictObject({ how: z.literal('not-started'), code: z.string(), message: z.string() }),
]);
export type ProgramEnd = z.infer<typeof endSchema>;

/** What a process has printed is waited for so long after its end: one that left the group may hold its output open. */
const lastWordsMs = 1000;

/**
 * Runs a program in a process group of its own, to its end.
 *
 * P1. The group ends with its worker, however that ends: its supervisor notices.
 * P2. When this returns, no process of the group is left.
 *
 * @param options.signal asks the group to end by SIGTERM; what is left after the grace is ended by SIGKILL
 */
export async function runGroup(
  start: ProgramStart,
  {
    signal,
    graceMs,
    onOutput,
  }: {
    readonly signal: AbortSignal;
    readonly graceMs: number;
    /** Is given what the group prints: standard output and standard error. */
    readonly onOutput: (stream: Readable) => void;
  },
): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('./supervisor.mjs', import.meta.url)), String(graceMs)],
    {
      env: childEnvironment(process.env, 'compute'),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // The leader of its own group, so that all of it can be ended, and Ctrl-C reaches the worker alone.
      detached: true,
    },
  );
  const { pid } = supervisor;
  const channel = supervisor.stdio[3] as Duplex | undefined;
  const kill = (name: NodeJS.Signals) => {
    try {
      if (pid !== undefined) process.kill(-pid, name);
    } catch {
      // It has ended.
    }
  };
  let killTimer: NodeJS.Timeout | undefined;
  const cancel = () => {
    kill('SIGTERM');
    killTimer = setTimeout(() => kill('SIGKILL'), graceMs);
  };
  const closed = new Promise<void>((resolve) => supervisor.once('close', () => resolve()));
  try {
    const ended = new Promise<ProgramEnd>((resolve) => {
      let text = '';
      channel?.setEncoding('utf8');
      channel?.on('data', (part: string) => {
        text += part;
        if (text.includes('\n')) resolve(endSchema.parse(JSON.parse(text.slice(0, text.indexOf('\n')))));
      });
      channel?.on('error', () => {});
      supervisor.once('error', ({ message }) => resolve({ how: 'not-started', code: '', message }));
      supervisor.once('exit', (code, name) =>
        // What it told just before may still be on its way.
        setImmediate(() => resolve(name ? { how: 'signal', signal: name } : { how: 'exit', code: code ?? 1 })),
      );
    });
    for (const stream of [supervisor.stdout, supervisor.stderr]) if (stream) onOutput(stream);
    signal.addEventListener('abort', cancel, { once: true });
    channel?.write(`${JSON.stringify(start)}\n`);
    return await ended;
  } finally {
    signal.removeEventListener('abort', cancel);
    clearTimeout(killTimer);
    kill('SIGKILL');
    if (pid !== undefined) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, lastWordsMs))]);
    supervisor.stdout?.destroy();
    supervisor.stderr?.destroy();
    channel?.destroy();
  }
}
