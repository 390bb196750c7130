import { stat } from 'node:fs/promises';
import { ContrailError } from '../contracts/errors.ts';
import { explained } from '../contracts/system-errors.ts';
import { withRegularFile } from '../store/index.ts';

/** The most bytes of one file that is read as a whole. */
export const mostFileBytes = 2 ** 31 - 1;

/** A file of a data set; links are followed. @returns null where it is not a regular file: a pipe would be waited for */
export const readRegular = (path: string): Promise<Buffer | null> =>
  withRegularFile(path, 'followed', (file) => file.readFile());

/** Whether anything is at a path. Of what cannot be looked at, reading says why. */
export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => explained(error)?.code !== 'FileMissing',
  );

/**
 * A file of a data set.
 *
 * @returns null where it is not there
 * @throws ContrailError InvalidDataset where it is there and cannot be read
 */
export async function readIfThere(path: string): Promise<Buffer | null> {
  let bytes: Buffer | null;
  try {
    bytes = await readRegular(path);
  } catch (error) {
    const known = explained(error);
    if (known?.code === 'FileMissing') return null;
    if (!known || known.code === 'TooManyOpenFiles' || known.code === 'OutOfMemory') throw error;
    throw new ContrailError('InvalidDataset', `${path} cannot be read. ${known.message}`, { cause: error });
  }
  if (bytes) return bytes;
  throw new ContrailError('InvalidDataset', `${path} cannot be read: it is a folder, a pipe or a device, not a file.`);
}
