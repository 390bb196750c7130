import { readFile } from 'node:fs/promises';
import { ContrailError } from '../contracts/errors.ts';
import { explained } from '../contracts/system-errors.ts';

/** The most bytes of one file that is read as a whole. */
export const mostFileBytes = 2 ** 31 - 1;

/**
 * A file of a data set.
 *
 * @returns null where it is not there
 * @throws ContrailError InvalidDataset where it is there and cannot be read
 */
export async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const known = explained(error);
    if (known?.code === 'FileMissing') return null;
    if (!known || known.code === 'TooManyOpenFiles' || known.code === 'OutOfMemory') throw error;
    throw new ContrailError('InvalidDataset', `${path} cannot be read. ${known.message}`, { cause: error });
  }
}
