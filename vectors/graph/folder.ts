import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContrailError, type ErrorCode, isContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { explained, hasCode } from '../../contracts/system-errors.ts';

/** Containers that share a temporary folder have process ids, and names, of their own. */
const prefix = () => `contrail-graph-${encodeURIComponent(hostname())}-`;

/**
 * Makes a temporary folder for the graph of a build, whose owner is this process, and removes those whose owners were killed before they
 * could. One of several gigabytes would else stay for each.
 *
 * @throws ContrailError that names the temporary folder, where nothing can be made in it
 */
export async function makeGraphFolder(): Promise<string> {
  try {
    await sweep();
    return await mkdtemp(join(tmpdir(), `${prefix()}${process.pid}-`));
  } catch (error) {
    throw withoutRoom(error);
  }
}

const reasons: Partial<Record<ErrorCode, string>> = {
  FileMissing: 'it is not there',
  NotAFolder: 'it is no folder',
  NotPermitted: 'this user is not permitted to',
  ReadOnly: 'its file system is mounted read-only',
  DiskFull: 'its disk is full',
};

/**
 * What the system says of the temporary folder, with the way out of it; other errors as they are.
 *
 * @param bytes that the graph needs there, where they are known
 */
export function withoutRoom(error: unknown, bytes?: number): unknown {
  const found = isContrailError(error) ? null : explained(error);
  const reason = found ? reasons[found.code] : undefined;
  if (!found || reason === undefined) return error;
  const room = bytes === undefined ? 'room for the graph' : `${formatBytes(bytes)} free, for its graph`;
  return new ContrailError(
    found.code,
    `An approximate index cannot be opened or built: nothing can be written into the temporary folder ${tmpdir()}, because ${reason}. Point the variable TMPDIR to a folder with ${room}.`,
    { cause: error },
  );
}

export const removeGraphFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const own = name.startsWith(prefix()) ? /^(\d+)-[^-]+$/.exec(name.slice(prefix().length)) : null;
    const pid = Number(own?.[1]);
    // Another build may remove it as well, and another user's cannot be removed.
    if (pid > 0 && !lives(pid)) await removeGraphFolder(join(tmpdir(), name)).catch(() => undefined);
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
