import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { downloadDebianPackage, unpackDebianPackage } from '../../datasets/debian-package.ts';
import { unpackedOnce } from './unpacked.ts';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the archive, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Fetches one version of a Debian package with the machine's apt-get, checks its archive by digest, and unpacks it; nothing is installed, and
 * no root is needed. What is unpacked already is left as it is.
 *
 * @param archive one that is there already, instead of a download
 * @returns the folder of its files
 * @throws Error where there is no such version, or the archive is another
 */
export async function debianPackage(
  { name, version, sha256 }: DebianPackage,
  { cache, archive }: { readonly cache: string; readonly archive?: string },
): Promise<string> {
  return unpackedOnce(join(cache, `${name}-${version}`), async (temporary) => {
    const downloads = join(temporary, 'download');
    await mkdir(downloads);
    const fetched = archive ?? (await downloadDebianPackage(`${name}=${version}`, downloads));
    const hash = createHash('sha256');
    await pipeline(createReadStream(fetched), hash);
    const found = hash.digest('hex');
    if (found !== sha256)
      throw new Error(
        `${fetched} is not the archive of ${name} ${version} that is pinned: expected SHA-256 ${sha256}, found ${found}.`,
      );
    const content = join(temporary, 'content');
    await unpackDebianPackage(fetched, content);
    return content;
  });
}
