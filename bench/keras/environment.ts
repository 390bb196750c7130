import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeFolder } from '../../native/paths.ts';
import { runProgram } from '../../native/programs.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/**
 * The Python that Keras runs in: a virtual environment of its own with every package pinned by version and SHA-256.
 * Made on the first call; later calls find it.
 *
 * @returns the path of its interpreter
 */
export async function kerasPython(): Promise<string> {
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(nativeFolder, `keras-${pins}`);
  const python = (at: string) => join(at, 'bin', 'python');
  if (existsSync(python(folder))) return python(folder);
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(nativeFolder, { recursive: true });
  await runProgram('python3', ['-m', 'venv', unfinished]);
  await runProgram(python(unfinished), [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
    ...['--only-binary=:all:', '--require-hashes', '--requirement', requirements],
  ]);
  await rename(unfinished, folder);
  return python(folder);
}
