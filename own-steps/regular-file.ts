import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Works with a file that a program may have written, and may replace at any time: no link is followed, and no pipe waited for.
 *
 * @returns null where it is not a regular file
 * @throws the system's error where it cannot be opened: ELOOP for a link
 */
export async function withRegularFile<T>(
  path: string,
  work: (file: FileHandle, stats: Stats) => Promise<T>,
): Promise<T | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    return stats.isFile() ? await work(file, stats) : null;
  } finally {
    await file.close();
  }
}
