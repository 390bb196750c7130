import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { nativeFolder } from '../native/paths.ts';
import { runProgram } from '../native/programs.ts';

const attempts = 3;
const pythonOf = (folder: string) => join(folder, 'bin', 'python');

/**
 * A Python that a peer runs in: a virtual environment of its own with every package pinned by version and SHA-256. Made on
 * the first call; later calls find it.
 *
 * @param requirements the file of pins
 * @param imports modules that must load before an environment counts as made
 * @returns the path of its interpreter. Its other programs name the folder that it was made in: use `python -m`.
 */
export async function pythonEnvironment(
  name: string,
  requirements: string,
  imports: readonly string[],
): Promise<string> {
  const folder = await folderOf(name, requirements);
  if (!existsSync(pythonOf(folder))) await make(folder, requirements, imports);
  return pythonOf(folder);
}

/** The interpreter of an environment that was made; null where it was not. */
export async function madeEnvironment(name: string, requirements: string): Promise<string | null> {
  const python = pythonOf(await folderOf(name, requirements));
  return existsSync(python) ? python : null;
}

async function folderOf(name: string, requirements: string): Promise<string> {
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  return join(nativeFolder, `${name}-${pins}`);
}

async function make(folder: string, requirements: string, imports: readonly string[]): Promise<void> {
  await mkdir(nativeFolder, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.part-`);
  try {
    await runProgram('python3', ['-m', 'venv', unfinished]);
    await install(pythonOf(unfinished), requirements);
    await runProgram(pythonOf(unfinished), ['-c', `import ${imports.join(', ')}`], { TF_CPP_MIN_LOG_LEVEL: '3' });
    // Whoever renames first wins; the other environment is the same and goes.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(pythonOf(folder))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function install(python: string, requirements: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram(
        python,
        [
          ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
          ...['--only-binary=:all:', '--require-hashes', '--requirement', requirements],
        ],
        {},
        'set-up',
      );
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
      await wait(1000 * 2 ** attempt);
    }
  }
}
