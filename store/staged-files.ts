import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../contracts/system-errors.ts';
import { makeFolder } from './make-folder.ts';
import { temporaryMark } from './paths.ts';

/** A temporary file that nobody has written to for so long belongs to a process that died. */
export const leftoverAgeMs = 60 * 60 * 1000;

/** A temporary file says this often that its writer lives. */
const signOfLifeMs = leftoverAgeMs / 6;

/** A durable temporary file that its writer has yet to do something with. */
export interface TemporaryFile {
  readonly path: string;
  /** It is not kept from being swept away any more. */
  readonly letGo: () => void;
}

/**
 * Writes and syncs a temporary file in a folder. No sweep takes it while this process lives, unless it is let go.
 *
 * @param root the folder, or one above it, from which on names must be durable. @default the folder
 * @throws what `content` throws, or the system's error; nothing is left then
 */
export async function writeTemporary(
  folder: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  root = folder,
): Promise<TemporaryFile> {
  const path = join(folder, `file${temporaryMark}${process.pid}-${randomBytes(8).toString('hex')}`);
  const file = await createIn(folder, path, root);
  try {
    for await (const piece of content) await file.writeFile(piece);
    await file.sync();
  } catch (error) {
    await removeTemporary(path);
    throw error;
  } finally {
    await file.close();
  }
  const signs = setInterval(() => {
    const now = new Date();
    // Without it the file is only swept away an hour later.
    utimes(path, now, now).catch(() => {});
  }, signOfLifeMs);
  signs.unref();
  return { path, letGo: () => clearInterval(signs) };
}

/** Creates a file, and its folder again where another process removed that as empty in between. */
export async function createIn(folder: string, path: string, root: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(folder, root);
      return await open(path, 'wx');
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || attempt === 5) throw error;
    }
  }
}

/** What is left of it is swept away later; why it could not be written is what counts. */
export const removeTemporary = (temporary: string): Promise<void> =>
  rm(temporary, { force: true }).catch(() => undefined);
