import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isContrailError } from '../contracts/errors.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { filesBelow, foldersIn, readPart, readWhole, syncFolder } from './file-system.ts';
import { makeFolder } from './make-folder.ts';
import { checkedPath, stagingFolder, temporaryMark } from './paths.ts';
import { isMissing, missingFile, unreadable } from './reading.ts';
import { createIn, leftoverAgeMs, removeTemporary, writeTemporary } from './staged-files.ts';
import type { Content, Store } from './store.ts';

/**
 * A store in a folder. A file is written under a temporary name beside its place, synced, and renamed; then the folder is
 * synced, so that what was reported as written survives a power cut.
 */
export function createFileStore(folder: string): Store {
  const root = resolve(folder);
  const absolute = (path: string) => join(root, checkedPath(path));
  const isTemporary = (path: string) => path.includes(temporaryMark);

  /** Writes and syncs a temporary file, and has `publish` give it its name. */
  const writeBeside = async <T>(
    target: string,
    content: Content | AsyncIterable<Uint8Array>,
    publish: (temporary: string) => Promise<T>,
  ): Promise<T> => {
    const temporary = `${target}${temporaryMark}${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      const file = await createIn(dirname(target), temporary, root);
      try {
        for await (const piece of content instanceof Uint8Array ? [content] : content) await file.writeFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      const published = await publish(temporary);
      await syncFolder(dirname(target));
      return published;
    } catch (error) {
      throw located(error, target);
    } finally {
      await removeTemporary(temporary);
    }
  };

  const list = async (folder: string) => {
    const found = await filesBelow(folder);
    return found
      .filter(({ path }) => !isTemporary(path))
      .map(({ path, ...file }) => ({ path: relative(root, path).split(sep).join('/'), ...file }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  };

  /** Removes a file, then its folder where that was the last file in it, and so on upwards. */
  const removeFile = async (target: string) => {
    await rm(target, { force: true });
    try {
      for (let parent = dirname(target); ; parent = dirname(parent)) {
        await syncFolder(parent);
        if (parent === root) return;
        await rmdir(parent);
      }
    } catch (error) {
      if (!isMissing(error) && !isOccupied(error)) throw error;
    }
  };

  const reading = async <T>(path: string, read: (where: string) => Promise<T>): Promise<T> => {
    const where = absolute(path);
    try {
      return await read(where);
    } catch (error) {
      throw isMissing(error) ? missingFile(where, error) : unreadable(where, error);
    }
  };

  return {
    url: pathToFileURL(root).href,
    read: (path) => reading(path, readWhole),
    readRange: (path, from, to) => reading(path, (where) => readPart(where, from, to)),
    exists: (path) => isFile(absolute(path)),
    // A disk may lose what it holds without anybody writing to it.
    writtenAs: async (path) => {
      absolute(path);
      return null;
    },
    list: (prefix) => list(absolute(prefix)),
    everything: () => list(root),
    folders: (prefix) => foldersIn(absolute(prefix)),
    write: async (path, content) => {
      const target = absolute(path);
      await writeBeside(target, content, (temporary) => rename(temporary, target));
    },
    writeExclusive: async (path, content) => {
      const target = absolute(path);
      return writeBeside(target, content, async (temporary) => {
        try {
          await link(temporary, target);
          return true;
        } catch (error) {
          if (hasCode(error, 'EEXIST')) return false;
          throw error;
        }
      });
    },
    stage: async (content) => {
      const folder = join(root, stagingFolder);
      const { path: temporary, letGo } = await writeTemporary(folder, content, root).catch((error: unknown) => {
        throw located(error, folder);
      });
      return {
        read: () => readWhole(temporary),
        publish: async (path) => {
          letGo();
          const target = absolute(path);
          await makeFolder(dirname(target), root);
          await rename(temporary, target);
          await syncFolder(dirname(target));
          await removeFile(temporary);
        },
        discard: () => {
          letGo();
          return removeFile(temporary);
        },
      };
    },
    remove: (path) => removeFile(absolute(path)),
    sweep: async (prefix) => {
      const found = await filesBelow(absolute(prefix));
      const leftovers = found.filter(
        ({ path, modifiedMs }) => isTemporary(path) && Date.now() - modifiedMs > leftoverAgeMs,
      );
      for (const { path } of leftovers) await removeFile(path);
      return leftovers.length;
    },
    localFile: async (path) => {
      if (!(await isFile(absolute(path)))) throw missingFile(absolute(path));
      return absolute(path);
    },
    locate: absolute,
    ready: async () => {},
  };
}

/** An error of writing names the file that was to be, not that on the way to it, and not none. */
function located(error: unknown, target: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || isContrailError(error)) return error;
  const isTemporary = 'path' in error && String(error.path).includes(temporaryMark);
  return Object.assign(error, { path: 'path' in error && !isTemporary ? error.path : target });
}

/** A link to a folder is no folder to `rmdir`, and stays. */
const isOccupied = (error: unknown) => hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR');

async function isFile(path: string): Promise<boolean> {
  if (await isFileNow(path)) return true;
  // A share may remember for a while that a file was not there; opening its folder makes the client ask again.
  try {
    await (await open(dirname(path), 'r')).close();
  } catch (error) {
    if (isMissing(error)) return false;
    throw unreadable(path, error);
  }
  return isFileNow(path);
}

async function isFileNow(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw unreadable(path, error);
  }
}
