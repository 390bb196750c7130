import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nativeFolder } from './paths.ts';

const markerName = '.made-from';

/** Whether a folder is whole, and was made from this. */
export async function isCurrent(folder: string, madeFrom: string): Promise<boolean> {
  const marker = join(folder, markerName);
  return existsSync(marker) && (await readFile(marker, 'utf8')) === madeFrom;
}

/**
 * Makes a folder in one go: under a temporary name, with a marker of what it was made from, then renamed. An interrupted
 * attempt leaves nothing that would be used. Others may read it as the umask says.
 */
export async function makePart(
  folder: string,
  madeFrom: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(join(nativeFolder, '.making-'));
  try {
    await make(temporary);
    // A temporary folder is for its owner alone; what set-up makes is for whoever runs this installation.
    await chmod(temporary, 0o777 & ~process.umask());
    await writeFile(join(temporary, markerName), madeFrom);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
