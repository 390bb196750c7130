import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { parentPort, Worker } from 'node:worker_threads';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { hasCode } from '../../contracts/system-errors.ts';

/**
 * A sign of life that does not wait for TensorFlow: a thread of the process writes a byte ever so often, also while the process
 * computes. A process that is stopped, frozen or starved of the machine writes none.
 */

/** File descriptor on which a process of a model writes. */
export const beatDescriptor = 4;
const everyMs = 250;
/** Turns in which the host counts what it allows of silence. */
const turns = 5;

const runner = new URL('../../native/run.mjs', import.meta.url);
const thread = new URL('beat-thread.ts', import.meta.url);

/** Lets this process beat until it ends. @returns once it has */
export async function startBeats(): Promise<void> {
  const worker = new Worker(runner, {
    argv: [thread.href],
    execArgv: [],
    env: childEnvironment(process.env, 'compute'),
  });
  await once(worker, 'message');
  worker.unref();
}

/** The work of the thread. */
export function beatForever(): void {
  const beat = () => {
    try {
      writeSync(beatDescriptor, '.');
    } catch (error) {
      // Nobody reads at the moment; what was written says enough.
      if (!hasCode(error, 'EAGAIN')) throw error;
    }
  };
  beat();
  setInterval(beat, everyMs);
  parentPort?.postMessage('beating');
}

/**
 * Listens to the beats of another process. Counted in turns of this process's own clock, so one that was itself suspended, with its
 * machine say, does not take its own absence for the silence of the other.
 *
 * @param silenceMs the longest silence that is borne, from the first beat on
 * @param onSilence hears once
 * @returns ends the listening
 */
export function watchBeats(beats: Readable, silenceMs: number, onSilence: () => void): () => void {
  let silentTurns = 0;
  let timer: NodeJS.Timeout | undefined;
  const end = () => clearInterval(timer);
  const turn = () => {
    if (++silentTurns <= turns) return;
    end();
    onSilence();
  };
  beats.on('data', () => {
    silentTurns = 0;
    timer ??= setInterval(turn, silenceMs / turns);
  });
  // Its exit tells of what follows from a broken line.
  beats.on('error', () => {});
  return end;
}
