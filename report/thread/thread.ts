import { parentPort, workerData } from 'node:worker_threads';
import { isContrailError } from '../../contracts/errors.ts';
import { openStore } from '../../store/index.ts';
import { headlineOf } from '../headline.ts';
import { buildReport, writeReport } from '../write.ts';
import type { ReportAnswer, ReportRequest } from './messages.ts';

/** The thread that gathers, draws and writes one report, and ends. */
const answer = (message: ReportAnswer) => parentPort?.postMessage(message);

const { storeUrl, run, ...options } = workerData as ReportRequest;
try {
  const store = openStore(storeUrl);
  const { files, report } = await buildReport(store, run, { ...options, onProgress: (phase) => answer({ phase }) });
  await writeReport(store, run, files);
  answer({ files: files.size, headline: headlineOf(report) });
} catch (error) {
  if (isContrailError(error)) answer({ code: error.code, message: error.message });
  else answer({ code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
