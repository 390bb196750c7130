import { Worker } from 'node:worker_threads';
import { childEnvironment } from '../../../contracts/child-environment.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import type { TableRow } from '../row.ts';
import { type RowsRequest, readRows, type TableRows } from '../rows.ts';
import type { RowsAnswer } from './messages.ts';

const runner = new URL('../../../native/run.mjs', import.meta.url);

/** Tables of text up to this are read in some milliseconds, in which a thread would not have started. */
const smallBytes = 256 * 2 ** 10;

/**
 * Reads the rows of a table, a large one in a thread of its own: to take millions of rows apart and to sort them takes seconds, in which
 * the caller's event loop would answer nobody.
 *
 * @throws ContrailError as `readRows` does; the signal's reason
 */
export function readRowsAside(request: RowsRequest, signal?: AbortSignal): Promise<TableRows> {
  signal?.throwIfAborted();
  const files = [request.file, ...(request.relabels ? [request.relabels] : [])];
  return files.every(({ format, bytes }) => format !== 'parquet' && bytes <= smallBytes)
    ? readRows(request)
    : inThread(request, signal);
}

function inThread(request: RowsRequest, signal: AbortSignal | undefined): Promise<TableRows> {
  const argv = [new URL('thread.ts', import.meta.url).href];
  const thread = new Worker(runner, {
    argv,
    execArgv: [],
    env: childEnvironment(process.env, 'compute'),
    workerData: request,
  });
  const stop = () => void thread.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  const rows: TableRow[] = [];
  return new Promise<TableRows>((resolve, reject) => {
    thread.on('message', (answer: RowsAnswer) => {
      if ('rows' in answer) for (const row of answer.rows) rows.push(row);
      else if ('about' in answer) resolve({ rows, about: answer.about });
      else reject(answer.code ? new ContrailError(answer.code, answer.message) : new Error(answer.message));
    });
    thread.on('error', reject);
    // After an answer this changes nothing.
    thread.on('exit', () =>
      reject(signal?.reason ?? new Error('The thread that reads tables ended without an answer.')),
    );
  }).finally(() => signal?.removeEventListener('abort', stop));
}
