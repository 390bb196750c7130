import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nativeFolder } from '../../native/paths.ts';
import { runProgram } from '../../native/programs.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const attempts = 3;

const pythonOf = (folder: string) => join(folder, 'bin', 'python');

/**
 * The Python that Keras runs in: a virtual environment of its own with every package pinned by version and SHA-256.
 * Made on the first call; later calls find it.
 *
 * @returns the path of its interpreter. Its other programs name the folder that it was made in: use `python -m`.
 */
export async function kerasEnvironment(): Promise<string> {
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(nativeFolder, `keras-${pins}`);
  if (!existsSync(pythonOf(folder))) await make(folder);
  return pythonOf(folder);
}

async function make(folder: string): Promise<void> {
  await mkdir(nativeFolder, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.part-`);
  try {
    await runProgram('python3', ['-m', 'venv', unfinished]);
    await install(pythonOf(unfinished));
    // Whoever renames first wins; the other environment is the same and goes.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(pythonOf(folder))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  try {
    await runProgram(pythonOf(folder), ['-c', 'import keras, safetensors'], { TF_CPP_MIN_LOG_LEVEL: '3' });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function install(python: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram(python, [
        ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
        ...['--only-binary=:all:', '--require-hashes', '--requirement', requirements],
      ]);
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
      await wait(1000 * 2 ** attempt);
    }
  }
}
