import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isThere } from '../../datasets/read-file.ts';

/**
 * A folder that is made once: beside its place, and moved there when it is whole, so that one that is there is whole.
 *
 * @param make is given an empty folder, and returns the one in it that is wanted
 */
export async function unpackedOnce(target: string, make: (temporary: string) => Promise<string>): Promise<string> {
  if (await isThere(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  const temporary = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    await rename(await make(temporary), target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return target;
}
