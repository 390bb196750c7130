import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explained } from '../../contracts/system-errors.ts';
import { type FoundFile, isInside, reasonOf } from '../folder/walk.ts';

/** A file that a table names, where it is. */
export interface LocatedFile extends FoundFile {
  /** Where it can be read. */
  readonly at: string;
}

/**
 * Finds a file below the folder of a table. It is not opened.
 *
 * @param name its path from the folder
 * @returns why it cannot be used, where it cannot
 */
export async function locate(root: string, name: string): Promise<LocatedFile | { readonly reason: string }> {
  const at = join(root, name);
  try {
    const real = await realpath(at);
    if (!isInside(root, real)) return { reason: 'is a link out of the folder of the table' };
    const found = await stat(real);
    if (found.isDirectory()) return { reason: 'is a folder, not a file' };
    if (!found.isFile()) return { reason: 'is a pipe or a device, not a file' };
    return { path: name, at, bytes: found.size, modified: found.mtimeMs };
  } catch (error) {
    const code = explained(error)?.code;
    if (code === 'FileMissing' || code === 'NotAFolder')
      return { reason: name.includes('\\') ? 'is not there: folders are divided by /, not by \\' : 'is not there' };
    return { reason: reasonOf(error) };
  }
}
