import type { Dirent, Stats } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, unreadable } from './reading.ts';

/** Node reads at most 2 GiB at a time. */
const readAtOnce = 2 ** 30;

/** Reads a file of any size. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, Math.min(size - filled, readAtOnce), filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** Reads the bytes of a file from `from` up to `to`, or its end. */
export async function readPart(
  path: string,
  from: number,
  to: number,
): Promise<{ readonly content: Uint8Array; readonly fileBytes: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const content = Buffer.allocUnsafeSlow(Math.max(0, Math.min(to, size) - from));
    let filled = 0;
    while (filled < content.length) {
      const length = Math.min(content.length - filled, readAtOnce);
      const { bytesRead } = await file.read(content, filled, length, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { content: content.subarray(0, filled), fileBytes: size };
  } finally {
    await file.close();
  }
}

export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/**
 * Every file below a folder, also where links lead; none when there is no such folder. A file or folder that vanishes
 * meanwhile is left out, and nothing else is: that is why this is not Node's recursive `readdir`, which fails as a whole.
 *
 * @throws ContrailError StoreUnreadable that names what cannot be read, such as a link that leads nowhere
 */
export async function filesBelow(folder: string, above: readonly string[] = []): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    const at = entry.isDirectory() ? null : await statOf(path);
    if (at?.isFile()) found.push({ path, bytes: at.size, modifiedMs: at.mtimeMs });
    const below = at?.isDirectory() ? [...above, await targetOf(path, above)] : above;
    if (entry.isDirectory() || at?.isDirectory())
      // A call takes no more than some hundred thousand arguments, and a folder may hold more files.
      for (const file of await filesBelow(path, below)) found.push(file);
  }
  return found;
}

/** The names of the folders in a folder, in order; none when there is no such folder. @throws ContrailError StoreUnreadable */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await entriesOf(folder);
  const are = await Promise.all(
    entries.map(
      async (entry) =>
        entry.isDirectory() || (entry.isSymbolicLink() && (await statOf(join(folder, entry.name)))?.isDirectory()),
    ),
  );
  return entries.flatMap(({ name }, index) => (are[index] ? [name] : [])).sort();
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw unreadable(folder, error);
  }
}

/** Null for what is not there any more; a link that leads nowhere is there. */
async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (!isMissing(error)) throw unreadable(path, error);
  }
  const leadsNowhere = await lstat(path).then(
    (link) => link.isSymbolicLink(),
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw unreadable(path, error);
    },
  );
  if (leadsNowhere) throw unreadable(path, new Error('It is a link to what is not there. Is a disk not mounted?'));
  return null;
}

/** @throws ContrailError StoreUnreadable for a link to a folder that it lies in */
async function targetOf(path: string, above: readonly string[]): Promise<string> {
  const target = await realpath(path);
  if (above.includes(target)) throw unreadable(path, Object.assign(new Error(), { code: 'ELOOP' }));
  return target;
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
