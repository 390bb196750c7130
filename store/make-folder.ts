import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../contracts/system-errors.ts';
import { syncFolder } from './file-system.ts';

/**
 * Folders whose names, and those of all above them up to the store, this process has synced. A folder that was removed and made again
 * is another one, so it goes by what the file system says of it and not by its path.
 */
const durable = new Set<string>();
const mostRemembered = 10_000;

/**
 * Makes a folder and those above it, so that a crash leaves them. One that is there may have been made a moment ago, by a process that
 * has yet to sync its name; so what this process has not synced it syncs.
 *
 * @param root those above it are not ours to sync. @default the folder
 * @throws the system's error; ENOENT also where another process removes it as empty meanwhile
 */
export async function makeFolder(folder: string, root = folder): Promise<void> {
  const first = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    // What Node says of a file system that can only be read.
    if (hasCode(error, 'ENOENT')) return makeEach(folder);
    throw error;
  });
  if (first !== undefined && isAbove(first, root))
    for (let made = root; made !== dirname(first); made = dirname(made)) await syncFolder(dirname(made));
  await syncNames(folder, root);
}

async function syncNames(folder: string, root: string): Promise<void> {
  if (folder === root) return;
  const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
  const which = `${dev} ${ino} ${birthtimeNs}`;
  if (durable.has(which)) return;
  await syncNames(dirname(folder), root);
  await syncFolder(dirname(folder));
  if (durable.size === mostRemembered) durable.clear();
  durable.add(which);
}

const isAbove = (path: string, root: string): boolean => path === root || root.startsWith(`${path}/`);

/** Makes a folder and those above it one by one, so that the system's own error is thrown. @returns the first that was made */
async function makeEach(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    if (!hasCode(error, 'ENOENT') || dirname(folder) === folder) throw error;
  }
  const first = await makeEach(dirname(folder));
  await mkdir(folder);
  return first ?? folder;
}
