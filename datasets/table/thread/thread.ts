import { parentPort, workerData } from 'node:worker_threads';
import { explained } from '../../../contracts/system-errors.ts';
import { type RowsRequest, readRows } from '../rows.ts';
import type { RowsAnswer } from './messages.ts';

/** The thread that reads one table, and ends. */
const answer = (message: RowsAnswer) => parentPort?.postMessage(message);

/** What is handed over at a time: its receiver has other things to do between. */
const rowsAtOnce = 5000;

try {
  const { rows, about } = await readRows(workerData as RowsRequest);
  for (let from = 0; from < rows.length; from += rowsAtOnce) answer({ rows: rows.slice(from, from + rowsAtOnce) });
  answer({ about });
} catch (error) {
  const known = explained(error);
  if (known) answer({ code: known.code, message: known.message });
  else answer({ code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
