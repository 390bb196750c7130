import { Worker } from 'node:worker_threads';
import type { CheckpointManifest } from '../../contracts/checkpoints.ts';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { Lease, NewCheckpoint } from '../../store/index.ts';
import { type WriteRequest, writeAnswerSchema } from './messages.ts';

/**
 * Commits checkpoints in a thread of their own, in the order in which they are given. Training waits for the copy of its
 * state alone, and goes on while that is hashed, written, synced, read back and compared.
 *
 * I1. A promise is fulfilled only when its checkpoint is durable and verified, and retention has run.
 * I2. The thread owns the tensors that it is given; the caller no longer does.
 */
export interface CheckpointWriter {
  readonly commit: (lease: Lease, checkpoint: NewCheckpoint, keep: WriteRequest['keep']) => Promise<CheckpointManifest>;
  readonly close: () => void;
}

interface Waiting {
  readonly resolve: (manifest: CheckpointManifest) => void;
  readonly reject: (error: unknown) => void;
}

const crashed = (how: string) => new ContrailError('TrainerCrashed', `The thread that writes checkpoints ${how}.`);

const runner = new URL('../../native/run.mjs', import.meta.url);

/** @param program the module that the thread runs */
export function createCheckpointWriter(program: URL = new URL('thread.ts', import.meta.url)): CheckpointWriter {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let next = 0;
  /** A thread that ended, or cannot be understood, has failed all that wait for it; the next checkpoint starts another. */
  const fail = (of: Worker, error: Error) => {
    if (thread !== of) return;
    thread = undefined;
    void of.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const open = (): Worker => {
    if (thread) return thread;
    const made = new Worker(runner, {
      argv: [program.href],
      execArgv: [],
      env: childEnvironment(process.env, 'store'),
    });
    made.on('message', (raw: unknown) => {
      const read = writeAnswerSchema.safeParse(raw);
      if (!read.success)
        return fail(made, crashed(`sent what cannot be read: ${read.error.issues[0]?.message ?? 'an empty message'}`));
      const answer = read.data;
      const asker = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (waiting.size === 0) made.unref();
      if ('manifest' in answer) asker?.resolve(answer.manifest);
      else asker?.reject(answer.code ? new ContrailError(answer.code, answer.message) : new Error(answer.message));
    });
    made.on('messageerror', (error) => fail(made, crashed(`sent what cannot be read: ${error.message}`)));
    made.on('error', (error) =>
      fail(made, crashed(`failed: ${error instanceof Error ? error.message : String(error)}`)),
    );
    made.on('exit', () => fail(made, crashed('ended')));
    thread = made;
    return made;
  };
  return {
    commit: ({ store, key, token, owner }, checkpoint, keep) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        const request: WriteRequest = { id, storeUrl: store.url, key, lease: { token, owner }, checkpoint, keep };
        const worker = open();
        worker.ref();
        worker.postMessage(request, [...new Set(checkpoint.tensors.map(({ data }) => data.buffer as ArrayBuffer))]);
      }),
    close: () => {
      void thread?.terminate();
    },
  };
}
