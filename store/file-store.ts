import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { access, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import { checkedPath, temporaryMark } from './paths.ts';
import type { Content, Store } from './store.ts';

/**
 * A store in a folder. A file is written under a temporary name beside its place, synced, and renamed; then the folder is
 * synced, so that what was reported as written survives a power cut.
 */
export function createFileStore(root: string): Store {
  const absolute = (path: string) => join(root, checkedPath(path));

  const writeTemporary = async (target: string, content: Content): Promise<string> => {
    await mkdir(dirname(target), { recursive: true });
    const temporary = `${target}${temporaryMark}${process.pid}-${randomBytes(4).toString('hex')}`;
    const file = await open(temporary, 'wx');
    try {
      for (const piece of content instanceof Uint8Array ? [content] : content) await file.writeFile(piece);
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(temporary, { force: true });
      throw error;
    }
    await file.close();
    return temporary;
  };

  return {
    url: pathToFileURL(root).href,
    read: async (path) => {
      try {
        return await readFile(absolute(path));
      } catch (error) {
        if (isMissing(error))
          throw new ContrailError('CorruptArtifact', `The store has no file ${absolute(path)}.`, { cause: error });
        throw error;
      }
    },
    exists: async (path) => {
      try {
        await access(absolute(path), constants.R_OK);
        return true;
      } catch {
        return false;
      }
    },
    list: async (folder) => {
      const entries = await readFolder(absolute(folder));
      const files = entries.filter((entry) => entry.isFile() && !entry.name.includes(temporaryMark));
      const sized = await Promise.all(
        files.map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          const found = await stat(path).catch(() => null);
          return found ? [{ path: relative(root, path).split(sep).join('/'), bytes: found.size }] : [];
        }),
      );
      return sized.flat().sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    write: async (path, content) => {
      const target = absolute(path);
      await rename(await writeTemporary(target, content), target);
      await syncFolder(dirname(target));
    },
    writeExclusive: async (path, content) => {
      const target = absolute(path);
      const temporary = await writeTemporary(target, content);
      try {
        await link(temporary, target);
        await syncFolder(dirname(target));
        return true;
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    remove: async (path) => {
      await rm(absolute(path), { force: true });
    },
    locate: absolute,
  };
}

async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code;
const isMissing = (error: unknown) => hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR');
