import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeFolder } from '../native/paths.ts';
import { runProgram } from '../native/programs.ts';

const pythonOf = (folder: string) => join(folder, 'bin', 'python');

/**
 * A Python for a peer: a virtual environment of its own with every package pinned by version and SHA-256. Made on the
 * first call; later calls find it.
 *
 * @param requirements a file of pip's
 * @returns the path of its interpreter
 */
export async function pythonEnvironment(name: string, requirements: string): Promise<string> {
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(nativeFolder, `${name}-${pins}`);
  if (existsSync(pythonOf(folder))) return pythonOf(folder);
  await mkdir(nativeFolder, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.part-`);
  try {
    await runProgram('python3', ['-m', 'venv', unfinished]);
    await runProgram(pythonOf(unfinished), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...['--only-binary=:all:', '--require-hashes', '--requirement', requirements],
    ]);
    // Whoever renames first wins; the other environment is the same and goes.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(pythonOf(folder))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return pythonOf(folder);
}
