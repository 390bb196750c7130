import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { removeFoldersOf } from './folders.ts';
import type { Cost, Said } from './messages.ts';
import type { Outcome } from './outcome.ts';

/** What one input came to, its process included. */
export interface Ran {
  readonly outcome: Outcome;
  readonly cost: Cost;
  readonly peakBytes: number;
}

/**
 * A process that runs inputs, and those that take its place.
 *
 * I1. Each input has an outcome: where the process ends, or does not answer in time, that is the outcome of the input which it was at.
 * I2. After such an input there is a new process, with the target open.
 */
export interface Host {
  /** Opens a target in place of the one before. @returns its seeds */
  readonly open: (target: string) => Promise<readonly Uint8Array[]>;
  /** Runs inputs one after the other, and tells of each. */
  readonly run: (inputs: readonly Uint8Array[], onRan: (ran: Ran, at: number) => void) => Promise<void>;
  /** A new process for what follows, so that nothing of the inputs before is left. */
  readonly renew: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const runner = fileURLToPath(new URL('../../../native/run.mjs', import.meta.url));
const program = fileURLToPath(new URL('process.ts', import.meta.url));
const openMs = 180_000;
/** More than any input may need, and little enough that a machine has it. */
const heapMegabytes = 1024;

const nothing: Cost = { wallMs: 0, processorMs: 0, memoryBytes: 0 };

/** @param longestMs after which an input is given up, whatever its process does */
export function createHost({ longestMs = 15_000 }: { readonly longestMs?: number } = {}): Host {
  let child: ChildProcess | null = null;
  let target = '';
  let onSaid: (said: Said) => void = () => {};
  let onEnd: (how: string) => void = () => {};

  const start = () => {
    const started = fork(runner, [program], {
      execArgv: [`--max-old-space-size=${heapMegabytes}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: process.env,
    });
    started.on('message', (said: Said) => started === child && onSaid(said));
    started.once('exit', (code, signal) => {
      removeFoldersOf(started.pid);
      if (started !== child) return;
      child = null;
      onEnd(signal ?? `exit code ${code}`);
    });
    child = started;
    return started;
  };
  const kill = () => {
    const killed = child;
    child = null;
    killed?.kill('SIGKILL');
  };
  const open = async (name: string): Promise<readonly Uint8Array[]> => {
    target = name;
    const asked = child ?? start();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end('it did not open in time'), openMs);
      const end = (why: string) => {
        clearTimeout(timer);
        kill();
        reject(new Error(`The target ${name} cannot be opened: ${why}`));
      };
      onEnd = end;
      onSaid = (said) => {
        if (said.say === 'unopened') return end(said.why);
        if (said.say !== 'seeds') return;
        clearTimeout(timer);
        resolve(said.seeds);
      };
      asked.send({ do: 'open', target: name });
    });
  };
  /** @returns how many had an outcome */
  const runUntilEnd = (inputs: readonly Uint8Array[], onRan: (ran: Ran, at: number) => void) =>
    new Promise<number>((resolve) => {
      let done = 0;
      let since = performance.now();
      const gaveUp = (sign: string, detail: string) => {
        clearInterval(timer);
        onRan(
          {
            outcome: { is: 'finding', sign, detail },
            cost: { ...nothing, wallMs: performance.now() - since },
            peakBytes: 0,
          },
          done,
        );
        resolve(done + 1);
      };
      const timer = setInterval(() => {
        if (performance.now() - since < longestMs) return;
        kill();
        gaveUp('hang', `It was not settled after ${longestMs / 1000} s.`);
      }, 250);
      onEnd = (how) => gaveUp(`process ended (${how})`, `The process ended: ${how}.`);
      onSaid = (said) => {
        if (said.say !== 'ran') return;
        since = performance.now();
        onRan(said, done++);
        if (done < inputs.length) return;
        clearInterval(timer);
        resolve(done);
      };
      child?.send({ do: 'run', inputs });
    });
  return {
    open,
    run: async (inputs, onRan) => {
      for (let from = 0; from < inputs.length; ) {
        if (!child) await open(target);
        const begin = from;
        from += await runUntilEnd(inputs.slice(begin), (ran, at) => onRan(ran, begin + at));
      }
    },
    renew: async () => {
      kill();
      await open(target);
    },
    close: async () => {
      const last = child;
      child = null;
      if (!last) return;
      await new Promise<void>((resolve) => {
        last.once('exit', () => resolve());
        const timer = setTimeout(() => last.kill('SIGKILL'), 10_000);
        last.once('exit', () => clearTimeout(timer));
        last.send({ do: 'close' }, () => {});
      });
    },
  };
}
