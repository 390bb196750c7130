import { Worker } from 'node:worker_threads';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { Store } from '../../store/index.ts';
import type { Headline } from '../headline.ts';
import type { ReportAnswer, ReportRequest } from './messages.ts';

const runner = new URL('../../native/run.mjs', import.meta.url);

/**
 * Writes the report of a run in a thread of its own. Maps and drawings take seconds of computing, in which the caller's event
 * loop would answer nobody.
 *
 * @param options.signal ends the thread; files that are written stay, each whole
 * @throws ContrailError as `buildReport` does
 */
export function writeReportInThread(
  store: Pick<Store, 'url'>,
  run: string,
  {
    title,
    seed,
    writtenBy,
    onProgress,
    signal,
  }: {
    readonly title: string | undefined;
    readonly seed: number;
    readonly writtenBy?: string | undefined;
    readonly onProgress: (phase: string) => void;
    readonly signal?: AbortSignal;
  },
): Promise<{ readonly files: number; readonly headline: Headline }> {
  signal?.throwIfAborted();
  const request: ReportRequest = { storeUrl: store.url, run, title, seed, writtenBy };
  const argv = [new URL('thread.ts', import.meta.url).href];
  const thread = new Worker(runner, {
    argv,
    execArgv: [],
    env: childEnvironment(process.env, 'store'),
    workerData: request,
  });
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => void thread.terminate(), { once: true });
    thread.on('message', (answer: ReportAnswer) => {
      if ('phase' in answer) onProgress(answer.phase);
      else if ('files' in answer) resolve(answer);
      else reject(answer.code ? new ContrailError(answer.code, answer.message) : new Error(answer.message));
    });
    thread.on('error', reject);
    // After an answer this changes nothing.
    thread.on('exit', () =>
      reject(signal?.reason ?? new Error('The thread that writes reports ended without an answer.')),
    );
  });
}
