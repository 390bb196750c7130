import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Works with a file that somebody else may have written, and may replace at any time: a pipe is not waited for.
 *
 * @param links whether one may stand for the file
 * @returns null where it is not a regular file
 * @throws the system's error where it cannot be opened: ELOOP for a link that is refused
 */
export async function withRegularFile<T>(
  path: string,
  links: 'followed' | 'refused',
  work: (file: FileHandle, stats: Stats) => Promise<T>,
): Promise<T | null> {
  const noLink = links === 'refused' ? constants.O_NOFOLLOW : 0;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noLink);
  try {
    const stats = await file.stat();
    return stats.isFile() ? await work(file, stats) : null;
  } finally {
    await file.close();
  }
}
