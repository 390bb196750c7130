import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '../../contracts/system-errors.ts';

/** Containers that share a temporary folder have process ids, and names, of their own. */
const prefix = () => `contrail-graph-${encodeURIComponent(hostname())}-`;

/**
 * Makes a temporary folder for the graph of a build, whose owner is this process, and removes those whose owners were killed before they
 * could. One of several gigabytes would else stay for each.
 */
export async function makeGraphFolder(): Promise<string> {
  await sweep();
  return mkdtemp(join(tmpdir(), `${prefix()}${process.pid}-`));
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
