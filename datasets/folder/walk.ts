import type { Dirent } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { explained, hasCode, systemCodeOf } from '../../contracts/system-errors.ts';
import { sortByBytes } from './class-names.ts';
import { droppingOf } from './droppings.ts';

/** Folders in folders: more is no collection of images. */
const deepest = 40;
/** Files and folders in one data set. */
const mostEntries = 5_000_000;

/** A file that may be an image. */
export interface FoundFile {
  /** Relative to the root, as a person finds it. */
  readonly path: string;
  readonly bytes: number;
  /** Of the last change, in milliseconds since 1970. */
  readonly modified: number;
}

/** A file or folder that cannot be used, and why. */
export interface Rejected {
  readonly path: string;
  readonly reason: string;
}

/** What is in a folder, links resolved. */
export type Entry = { readonly name: string; readonly path: string } & (
  | { readonly is: 'file'; readonly bytes: number; readonly modified: number; readonly real: string }
  | { readonly is: 'folder'; readonly real: string }
  | { readonly is: 'dropping'; readonly of: string; readonly files: number }
  | { readonly is: 'hidden folder'; readonly files: number }
  | { readonly is: 'unusable'; readonly reason: string; readonly mayBeFolder: boolean }
);

/** Reads folders below a root. Whatever is wrong with one entry is said of that entry; a folder that cannot be read is an error. */
export interface Tree {
  readonly root: string;
  /** @param path relative to the root @throws ContrailError InvalidDataset */
  readonly list: (path: string) => Promise<readonly Entry[]>;
}

/** Whether a path is a folder, or in it. Both are real paths. */
export const isInside = (root: string, path: string): boolean =>
  path === root || path.startsWith(root === sep ? sep : root + sep);

/** @param root a real path */
export function openTree(root: string, signal?: AbortSignal): Tree {
  let entries = 0;

  const entryOf = async (folder: string, dirent: Dirent): Promise<Entry> => {
    const { name } = dirent;
    const base = { name, path: folder === '' ? name : join(folder, name) };
    const full = join(root, base.path);
    const unusable = (reason: string, mayBeFolder = false): Entry => ({ ...base, is: 'unusable', reason, mayBeFolder });
    const dropping = droppingOf(name);
    if (dropping !== null)
      return { ...base, is: 'dropping', of: dropping, files: dirent.isDirectory() ? await countFiles(full) : 1 };
    if (name.includes('\ufffd') && (await isMissing(full)))
      return unusable('has a name that is not valid UTF-8: rename it', dirent.isDirectory());
    if (dirent.isDirectory() && name.startsWith('.'))
      return { ...base, is: 'hidden folder', files: await countFiles(full) };
    if (dirent.isDirectory()) return { ...base, is: 'folder', real: full };
    const what = dirent.isSymbolicLink() ? null : specialOf(dirent);
    if (what !== null) return unusable(`is ${what}, not a file`);
    try {
      const real = dirent.isSymbolicLink() ? await realpath(full) : full;
      if (!isInside(root, real))
        return unusable(`is a link out of the folder: put the images themselves there (it leads to ${real})`, true);
      const found = await stat(real);
      if (found.isDirectory())
        return name.startsWith('.') ? { ...base, is: 'hidden folder', files: 1 } : { ...base, is: 'folder', real };
      const special = specialOf(found);
      if (special !== null) return unusable(`is a link to ${special}, not to a file`);
      if (name.startsWith('.')) return unusable('is hidden, as its name begins with a dot: rename or remove it');
      return { ...base, is: 'file', bytes: found.size, modified: found.mtimeMs, real };
    } catch (error) {
      if (dirent.isSymbolicLink()) {
        const target = await readlink(full).catch(() => '?');
        if (hasCode(error, 'ENOENT')) return unusable(`is a link to what does not exist (${target})`, true);
        if (hasCode(error, 'ELOOP')) return unusable('is a link that leads back to itself', true);
      }
      return unusable(reasonOf(error), dirent.isSymbolicLink());
    }
  };

  return {
    root,
    list: async (path) => {
      if (path.split(sep).length > deepest)
        throw new ContrailError('InvalidDataset', `${join(root, path)} is more than ${deepest} folders deep.`);
      const dirents = await readFolder(join(root, path));
      entries += dirents.length;
      if (entries > mostEntries)
        throw new ContrailError('InvalidDataset', `${root} has more than ${mostEntries} files and folders.`);
      const found: Entry[] = [];
      for (let from = 0; from < dirents.length; from += 64) {
        signal?.throwIfAborted();
        found.push(...(await Promise.all(dirents.slice(from, from + 64).map((dirent) => entryOf(path, dirent)))));
      }
      return found;
    },
  };
}

/** @throws ContrailError InvalidDataset that names the folder */
async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return sortByBytes(await readdir(path, { withFileTypes: true }), ({ name }) => name);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Why a folder cannot be read, as an error that is final: what lies in a user's folder does not mend itself. */
export function cannotRead(path: string, error: unknown): unknown {
  const known = explained(error);
  if (!known || isOurs(error)) return error;
  if (known.code === 'NotPermitted')
    return new ContrailError(
      'InvalidDataset',
      `The folder ${path} cannot be read: this user${process.getuid ? ` (number ${process.getuid()})` : ''} is not permitted to. Change its permissions (\`chmod -R u+rX\`), or remove it.`,
      { cause: error },
    );
  return new ContrailError('InvalidDataset', `The folder ${path} cannot be read. ${known.message}`, { cause: error });
}

/**
 * Why one file cannot be read, to be said after its name.
 *
 * @throws the error itself where it is none of this file, such as too many open files
 */
export function reasonOf(error: unknown): string {
  const known = explained(error);
  if (!known || isOurs(error)) throw error;
  switch (known.code) {
    case 'FileMissing':
      return 'vanished while the folder was read';
    case 'NotPermitted':
      return 'cannot be read: this user is not permitted to';
    case 'LinkLoop':
      return 'is a link that leads back to itself';
    default:
      return `cannot be read (${systemCodeOf(error) ?? known.code})`;
  }
}

/** Of the process or the machine, not of the file that was asked for. */
const isOurs = (error: unknown) => hasCode(error, 'EMFILE', 'ENFILE', 'ENOMEM');

const isMissing = async (path: string) => {
  try {
    await stat(path);
    return false;
  } catch (error) {
    return hasCode(error, 'ENOENT');
  }
};

type Kinds = Pick<Dirent, 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice'>;

/** What is neither a file nor a folder; to open it might wait for ever. */
function specialOf(entry: Kinds): string | null {
  if (entry.isFIFO()) return 'a named pipe';
  if (entry.isSocket()) return 'a socket';
  if (entry.isCharacterDevice() || entry.isBlockDevice()) return 'a device';
  return null;
}

/** Files below a folder that is passed over; 1 for one that cannot be read. */
async function countFiles(path: string): Promise<number> {
  try {
    const entries = await readdir(path, { withFileTypes: true, recursive: true });
    return entries.filter((entry) => !entry.isDirectory()).length;
  } catch (error) {
    if (isOurs(error)) throw error;
    return 1;
  }
}
