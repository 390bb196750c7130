import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Every file below a folder, by its path in it, with the SHA-256 of its bytes. */
export async function filesWithDigests(folder: string): Promise<{ path: string; digest: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  return Promise.all(
    paths.map(async (path) => ({
      path,
      digest: createHash('sha256')
        .update(await readFile(join(folder, path)))
        .digest('hex'),
    })),
  );
}
