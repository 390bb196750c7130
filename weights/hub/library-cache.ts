import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubFile } from '../../contracts/initial-weights.ts';

/** A commit is 40 digits; `refs/<revision>` holds that of a branch or tag. */
const commit = /^[0-9a-f]{40}$/;

/**
 * Finds a file that the hub's own library has fetched: `models--org--name/snapshots/<commit>/<file>`.
 *
 * @returns null where it has not; what is in the file is not looked at
 */
export async function findInLibraryCache(
  folder: string,
  { repository, revision, file }: HubFile,
): Promise<string | null> {
  const model = join(folder, `models--${repository.replaceAll('/', '--')}`);
  const named = await readFile(join(model, 'refs', revision), 'utf8').catch(() => '');
  const revisions = [revision, named.trim()].filter((each) => each === revision || commit.test(each));
  for (const each of revisions) {
    const path = join(model, 'snapshots', each, file);
    if (
      await stat(path).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return path;
  }
  return null;
}
