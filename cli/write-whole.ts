import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';

/** Checks before any work that a file can be written where a person wants it. @throws ContrailError Usage */
export async function requireFilePlace(path: string): Promise<void> {
  if (path === '') throw new ContrailError('Usage', 'The file of --to has no name.');
  const there = await lstat(path).catch(() => null);
  if (there && !there.isFile() && !there.isSymbolicLink())
    throw new ContrailError('Usage', `${path} is no file. Name a file that --to may write.`);
}

/** Writes a file as a whole: it has its old content until it has all of the new. Folders above it are made. */
export async function writeWhole(path: string, content: string): Promise<void> {
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
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}
