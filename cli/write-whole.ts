import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { explained, hasCode } from '../contracts/system-errors.ts';

/** Whether a file that is there already may be written over, which a person has to say. */
export interface Replacing {
  readonly replace: boolean;
}

/**
 * Checks before any work that a file can be written where a person wants it, and that nothing is lost by it.
 *
 * @param content where it is known: a file that has just that is no loss
 * @throws ContrailError Usage
 */
export async function requireFilePlace(path: string, { replace }: Replacing, content?: string): Promise<void> {
  if (path === '') throw new ContrailError('Usage', 'The file of --to has no name.');
  const there = await ifThere(path, () => lstat(path));
  if (!there) return;
  const target = there.isSymbolicLink() ? await ifThere(path, () => stat(path)) : there;
  if (!target)
    throw new ContrailError('Usage', `${path} is a link to what is not there. Name a file that --to may write.`);
  if (!target.isFile())
    throw new ContrailError(
      'Usage',
      `${path} is ${target.isDirectory() ? 'a folder, not a file' : 'no file'}. Name a file that --to may write.`,
    );
  if (replace || (content !== undefined && (await readFile(path, 'utf8').catch(() => null)) === content)) return;
  throw isThere(path);
}

/** Null for what is not there. @throws ContrailError Usage for what cannot be looked at */
async function ifThere<T>(path: string, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw new ContrailError('Usage', `${path} cannot be written: ${explained(cause)?.message ?? String(cause)}`, {
      cause,
    });
  }
}

const isThere = (path: string) =>
  new ContrailError('Usage', `${path} is there already. Name a file that does not exist yet, or say --replace.`);

/**
 * Writes a file as a whole: it has its old content, or is not there, until it has all of the new. Folders above it are made.
 *
 * @throws ContrailError Usage where it has appeared since `requireFilePlace`, and may not be replaced
 */
export async function writeWhole(path: string, content: string, { replace }: Replacing): Promise<void> {
  const target = await realpath(path).catch(() => resolve(path));
  await mkdir(dirname(target), { recursive: true });
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}-${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (replace || !(await linked(temporary, target))) await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Gives a file a second name, unless that is taken.
 *
 * @returns false where the file system has no such names
 */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw isThere(to);
    if (hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) return false;
    throw error;
  }
}
