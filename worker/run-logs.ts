import { hostname } from 'node:os';
import type { StepKey } from '../contracts/identifiers.ts';
import type { LogLine } from '../contracts/logs.ts';
import { openRunLog, type RunLogWriter, type Store } from '../store/index.ts';

/** Lines wait so long for others, to be written together. */
const flushMs = 1000;
/** So long after the store refused them they are offered again. */
const retryMs = 10_000;
/** Of a run so many lines are held at most while the store does not take them. */
const mostHeld = 2000;

/** What a worker says about runs, kept in the store with each run. */
export interface RunLogs {
  readonly say: (key: StepKey, line: Pick<LogLine, 'level' | 'source' | 'message'>) => void;
  /** Writes what is still waiting. */
  readonly close: () => Promise<void>;
}

/** What is to be told elsewhere, since a log that cannot be written cannot say so itself. */
export interface LogTrouble {
  /** The store does not take a run's log; its lines are held. Told once, until it does again. */
  readonly onRefused: (error: unknown, run: string) => void;
  readonly onTaken: (run: string) => void;
  /** The worker ends, and these could not be written. */
  readonly onLost: (lines: readonly LogLine[]) => void;
}

/** The log of one run, of this worker. */
interface RunLog {
  readonly writer: RunLogWriter;
  waiting: LogLine[];
  /** Lines that had no room while the store refused others. */
  dropped: number;
  refused: boolean;
}

/**
 * Opens the logs of a worker's runs.
 *
 * A store that does not take a line, because its disk is full say, gets it again later: the work goes on, and lines are held
 * in memory, the newest of each run.
 */
export function createRunLogs(
  store: Store,
  { onRefused, onTaken, onLost }: LogTrouble,
  { retryAfterMs = retryMs, held = mostHeld }: { readonly retryAfterMs?: number; readonly held?: number } = {},
): RunLogs {
  const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
  const name = `${host}-${process.pid}-${Date.now().toString(36)}`;
  const logs = new Map<string, RunLog>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const logOf = (run: string): RunLog => {
    const log = logs.get(run) ?? { writer: openRunLog(store, run, name), waiting: [], dropped: 0, refused: false };
    logs.set(run, log);
    return log;
  };
  const write = async (run: string, log: RunLog) => {
    const lines = log.waiting;
    const [first] = lines;
    if (!first) return;
    log.waiting = [];
    const gap = log.dropped > 0 ? [gapBefore(first, log.dropped)] : [];
    try {
      await log.writer.append([...gap, ...lines]);
    } catch (error) {
      log.waiting = [...lines, ...log.waiting];
      if (!log.refused) onRefused(error, run);
      log.refused = true;
      flushSoon(retryAfterMs);
      return;
    }
    log.dropped = 0;
    if (log.refused) onTaken(run);
    log.refused = false;
  };
  const flush = async () => {
    for (const [run, log] of logs) await write(run, log);
  };
  const flushSoon = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = writing.then(flush);
    }, ms);
  };
  return {
    say: ({ run, step }, { level, source, message }) => {
      const log = logOf(run);
      log.waiting.push({ time: new Date().toISOString(), level, run, step, source, message });
      if (log.waiting.length > held) {
        log.waiting.shift();
        log.dropped++;
      }
      flushSoon(flushMs);
    },
    close: async () => {
      clearTimeout(timer);
      await writing.then(flush);
      clearTimeout(timer);
      for (const { waiting } of logs.values()) if (waiting.length > 0) onLost(waiting);
    },
  };
}

const gapBefore = (line: LogLine, count: number): LogLine => ({
  ...line,
  level: 'warn',
  source: 'worker',
  message: `${count} earlier lines are missing: the store could not be written, and there was no room to hold them`,
});
