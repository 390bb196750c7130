import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../contracts/system-errors.ts';

/**
 * Files of weights by their content: `<cache>/weights/<sha256>.safetensors`. One that is being fetched is `.<sha256>.<id>.part`;
 * one whose fetching was interrupted `.<sha256>.part`, which the next attempt takes over by renaming it, so no two ever
 * write one file.
 */
export const keptWeights = (cacheFolder: string, sha256: string): string =>
  join(cacheFolder, 'weights', `${sha256}.safetensors`);

/** A process that writes a part says something for longer than this only when it is dead. */
const abandonedMs = 5 * 60_000;

/** The part of a file that is there so far. */
export interface Part {
  readonly path: string;
  /** Makes it the file, once it is whole. */
  readonly complete: (sha256: string) => Promise<void>;
  /** Leaves it to the next attempt. */
  readonly leave: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * Takes over the part that an earlier attempt left, or begins an empty one.
 *
 * @param id the digest of the file, or where it is not known, of what it is asked for by
 */
export async function takePart(cacheFolder: string, id: string): Promise<Part> {
  const folder = join(cacheFolder, 'weights');
  await mkdir(folder, { recursive: true });
  const left = join(folder, `.${id}.part`);
  const path = join(folder, `.${id}.${randomUUID()}.part`);
  if (!(await taken(left, path)) && !(await takenFromDead(folder, id, path))) await (await open(path, 'wx')).close();
  return {
    path,
    complete: async (sha256) => {
      const file = await open(path, 'r+');
      await file.sync().finally(() => file.close());
      await rename(path, keptWeights(cacheFolder, sha256));
    },
    leave: () => rename(path, left),
    remove: () => rm(path, { force: true }),
  };
}

/** What is no regular file is removed: a link leads to a file of somebody else, which would be written. */
async function taken(from: string, to: string): Promise<boolean> {
  try {
    if (!(await lstat(from)).isFile()) {
      await rm(from, { recursive: true, force: true });
      return false;
    }
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function takenFromDead(folder: string, id: string, to: string): Promise<boolean> {
  const parts = (await readdir(folder)).filter((name) => name.startsWith(`.${id}.`) && name.endsWith('.part'));
  for (const name of parts) {
    const found = await lstat(join(folder, name)).catch(() => null);
    if (found && Date.now() - found.mtimeMs > abandonedMs && (await taken(join(folder, name), to))) return true;
  }
  return false;
}

const partName = /^\.[0-9a-f]{64}\.(?:[0-9a-f-]+\.)?part$/;
const forgottenMs = 24 * 60 * 60_000;

/**
 * Removes beginnings of files of weights that nobody went on with for a day.
 *
 * @returns what was removed, or with `dryRun` would be
 */
export async function removeForgottenParts(
  cacheFolder: string,
  { dryRun, now = Date.now() }: { readonly dryRun: boolean; readonly now?: number },
): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  const folder = join(cacheFolder, 'weights');
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  const removed = [];
  for (const name of names.filter((each) => partName.test(each))) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (!found || now - found.mtimeMs <= forgottenMs) continue;
    if (!dryRun) await rm(path, { recursive: true, force: true });
    removed.push({ path, bytes: found.size });
  }
  return removed;
}
