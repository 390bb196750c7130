import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { hasCode } from '../contracts/system-errors.ts';
import type { Home } from '../home/home.ts';
import { fileAt } from './locks.ts';
import { argumentsOf, startOf } from './processes.ts';

const startedSchema = z.string().nullish();

/** What `dev.json` says of the processes that serve a home: their numbers, and when they began. */
export const devRecordSchema = z.object({
  server: z.int(),
  worker: z.int(),
  /** Looks after both; null where they were left to themselves. */
  keeper: z.int().nullish(),
  port: z.int(),
  uiPort: z.int(),
  workerStarted: startedSchema,
  keeperStarted: startedSchema,
  /** The lock of the home that they serve: what was copied with a home says nothing of the copy. */
  lock: z.string().nullish(),
});

/** A development server, and who serves the home with it. A process that has ended is 0. */
export interface DevServer {
  readonly server: number;
  readonly worker: number;
  readonly keeper: number;
  readonly port: number;
  readonly uiPort: number;
}

export const addressOf = ({ port }: Pick<DevServer, 'port'>): string => `127.0.0.1:${port}`;

/** The page of a run in Temporal's UI: of its latest execution, unless one is named. */
export const uiAddress = ({ uiPort }: Pick<DevServer, 'uiPort'>, run: string, execution?: string): string =>
  `http://127.0.0.1:${uiPort}/namespaces/default/workflows/${encodeURIComponent(run)}${execution ? `/${execution}/history` : ''}`;

/**
 * The server that is written down as serving this home, where it lives, or who would start it again; it may not answer.
 *
 * @throws ContrailError CorruptArtifact when what is written down cannot be read
 */
export function recordedDevServer(home: Home): DevServer | null {
  const found = recordedProcesses(home);
  return found && (found.server > 0 || found.keeper > 0) ? found : null;
}

/** What is written down of the processes that serve this home, and which of them live; null where nothing is. */
export function recordedProcesses(home: Home): DevServer | null {
  const record = readRecord(home);
  if (!record) return null;
  const isOurs = record.lock === fileAt(home.devLock);
  return {
    server: servesHome(home, record.server) ? record.server : 0,
    worker: isOurs ? sameProcess(record.worker, record.workerStarted) : 0,
    keeper: isOurs ? sameProcess(record.keeper, record.keeperStarted) : 0,
    port: record.port,
    uiPort: record.uiPort,
  };
}

/** A server that has the database of this home open, whatever is written down: its keeper may have been killed before it wrote. */
export function runningServer(home: Home): DevServer | null {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !servesHome(home, pid)) continue;
    const args = argumentsOf(pid);
    const portOf = (option: string) => Number(args[args.indexOf(option) + 1]);
    return { server: pid, worker: 0, keeper: 0, port: portOf('--port'), uiPort: portOf('--ui-port') };
  }
  return null;
}

/** Writes down which processes serve the home; whole or not at all. */
export function recordDevServer(home: Home, { server, worker, keeper, port, uiPort }: DevServer): void {
  const record = {
    server,
    worker,
    keeper,
    port,
    uiPort,
    workerStarted: startOf(worker),
    keeperStarted: startOf(keeper),
    lock: fileAt(home.devLock),
  } satisfies z.infer<typeof devRecordSchema>;
  const part = `${home.devFile}.${process.pid}.part`;
  writeFileSync(part, JSON.stringify(record), { mode: 0o600 });
  renameSync(part, home.devFile);
}

export const forgetDevServer = (home: Home): void => rmSync(home.devFile, { force: true });

function readRecord(home: Home): z.infer<typeof devRecordSchema> | null {
  try {
    return devRecordSchema.parse(JSON.parse(readFileSync(home.devFile, 'utf8')));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw new ContrailError(
      'CorruptArtifact',
      `${home.devFile} cannot be read, so it is not known which server serves this home. Where none runs, remove it.`,
      { cause },
    );
  }
}

/** 0 where the number is another process's by now. */
const sameProcess = (pid: number | null | undefined, started: string | null | undefined): number =>
  pid && started && startOf(pid) === started ? pid : 0;

/** Whether a process is a server that has the database of this home open: not that of a home that this one was copied from. */
function servesHome(home: Home, pid: number): boolean {
  if (startOf(pid) === null) return false;
  const args = argumentsOf(pid);
  const database = args[args.indexOf('--db-filename') + 1];
  if (database === undefined || database === args[0]) return false;
  return database === home.databaseFile || sameFile(database, home.databaseFile);
}

const sameFile = (one: string, other: string): boolean => {
  const file = fileAt(one);
  return file !== null && file === fileAt(other);
};
