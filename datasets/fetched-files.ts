import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readRegular } from './read-file.ts';

/** The files of a data set that is fetched. */
export interface PinnedFiles {
  /** Names, and the SHA-256 of what is in them. */
  readonly files: readonly { readonly name: string; readonly content: string }[];
  /** What the digest is of. */
  readonly contentOf: (bytes: Uint8Array) => Uint8Array;
}

/** What keeps a folder from holding the files; empty when nothing does. */
export async function problemsIn(folder: string, { files, contentOf }: PinnedFiles): Promise<string[]> {
  const problems = await Promise.all(
    files.map(async ({ name, content }) => {
      try {
        const bytes = await readRegular(join(folder, name));
        if (!bytes) return [`${name} is not a file`];
        const digest = createHash('sha256').update(contentOf(bytes)).digest('hex');
        return digest === content ? [] : [`${name} has another content`];
      } catch (error) {
        return [`${name}: ${error instanceof Error ? error.message : error}`];
      }
    }),
  );
  return problems.flat();
}

/**
 * Fetches files beside a folder, verifies them, and puts them in its place.
 *
 * @param fetchInto is given a temporary folder, and returns the one in it that holds the files
 */
export async function fetchFiles(
  target: string,
  pinned: PinnedFiles,
  fetchInto: (temporary: string) => Promise<string>,
): Promise<void> {
  const cacheFolder = dirname(target);
  await mkdir(cacheFolder, { recursive: true });
  const temporary = await mkdtemp(join(cacheFolder, `.${basename(target)}-`));
  try {
    const folder = await fetchInto(temporary);
    const problems = await problemsIn(folder, pinned);
    if (problems.length > 0) throw new Error(problems.join(', '));
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
