import { Worker } from 'node:worker_threads';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError, type ErrorCode } from '../../contracts/errors.ts';
import type { Store } from '../../store/index.ts';
import type { SearchAnswer, SearchRequest, SearchThreadData } from './messages.ts';
import type { Found } from './searcher.ts';

const runner = new URL('../../native/run.mjs', import.meta.url);

/** A thread that holds vectors: a search is milliseconds of computing, and reading the vectors is seconds. */
export interface SearchThread {
  /** @param queries float32 [n, dimension] of unit length; the array is given away */
  readonly search: (queries: Float32Array<ArrayBuffer>, k: number) => Promise<Found>;
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (found: Found) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts the thread, and waits until it can be asked. It does not keep the process alive.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export function startSearchThread(store: Pick<Store, 'url'>, ref: ArtifactRef): Promise<SearchThread> {
  const workerData: SearchThreadData = { storeUrl: store.url, ref };
  const argv = [new URL('thread.ts', import.meta.url).href];
  const env = childEnvironment(process.env, 'store');
  const thread = new Worker(runner, { argv, execArgv: [], env, workerData });
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let ended: Error | null = null;
  let closed = false;
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const search: SearchThread['search'] = (queries, k) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      const request: SearchRequest = { id: asked++, queries, k };
      waiting.set(request.id, { resolve, reject });
      thread.ref();
      thread.postMessage(request, [queries.buffer]);
    });
  const settle = (id: number, how: (of: Waiting) => void) => {
    const of = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) thread.unref();
    if (of) how(of);
  };
  return new Promise((resolve, reject) => {
    thread.on('message', (answer: SearchAnswer) => {
      if ('ready' in answer) {
        thread.unref();
        resolve({
          search,
          close: async () => {
            closed = true;
            await thread.terminate();
          },
        });
      } else if ('found' in answer) settle(answer.id, (of) => of.resolve(answer.found));
      else if (answer.id === undefined) reject(failureOf(answer));
      else settle(answer.id, (of) => of.reject(failureOf(answer)));
    });
    thread.on('error', (error) => {
      end(error);
      reject(error);
    });
    thread.on('exit', () => {
      end(new Error(closed ? 'What was searched is closed.' : 'The thread that searches ended.'));
      reject(ended);
    });
  });
}

const failureOf = ({ code, message }: { readonly code: ErrorCode | null; readonly message: string }) =>
  code ? new ContrailError(code, message) : new Error(message);
