import { hostname } from 'node:os';
import type { StepKey } from '../contracts/identifiers.ts';
import type { LogLine } from '../contracts/logs.ts';
import { openRunLog, type RunLogWriter, type Store } from '../store/index.ts';

/** Lines wait so long for others, to be written together. */
const flushMs = 1000;

/** What a worker says about runs, kept in the store with each run. */
export interface RunLogs {
  readonly say: (key: StepKey, line: Pick<LogLine, 'level' | 'source' | 'message'>) => void;
  /** Writes what is still waiting. */
  readonly close: () => Promise<void>;
}

/** @param onError told when the store does not take a log; the work itself goes on */
export function createRunLogs(store: Store, onError: (error: unknown) => void): RunLogs {
  const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
  const writer = `${host}-${process.pid}-${Date.now().toString(36)}`;
  const writers = new Map<string, RunLogWriter>();
  let waiting: LogLine[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const flush = async () => {
    const lines = waiting;
    waiting = [];
    for (const run of new Set(lines.map((line) => line.run))) {
      const log = writers.get(run) ?? openRunLog(store, run, writer);
      writers.set(run, log);
      await log.append(lines.filter((line) => line.run === run)).catch(onError);
    }
  };
  const flushSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = writing.then(flush);
    }, flushMs);
  };
  return {
    say: ({ run, step }, { level, source, message }) => {
      waiting.push({ time: new Date().toISOString(), level, run, step, source, message });
      flushSoon();
    },
    close: async () => {
      clearTimeout(timer);
      await writing.then(flush);
    },
  };
}
