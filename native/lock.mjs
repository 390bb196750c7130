// Plain JavaScript on Node's own modules: it is needed before the packages are there.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Lets one process at a time do the work; the others wait. The lock of a process that is gone is taken over.
 *
 * @template T
 * @param {string} path of the lock, a file that names its process
 * @param {() => Promise<T>} work
 * @param {(line: string) => void} log
 * @returns {Promise<T>}
 */
export async function withLock(path, work, log) {
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}-${randomUUID()}`;
  await writeFile(own, String(process.pid));
  try {
    // A link appears whole or not at all, so that a lock always names its process.
    for (let announced = false; !(await linked(own, path)); announced = true) {
      const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
      if (owner > 0 && !isAlive(owner)) await rm(path, { force: true });
      else {
        if (!announced) log(`Waiting for another set-up (process ${owner}) to end`);
        await wait(500);
      }
    }
  } finally {
    await rm(own, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** @param {string} from @param {string} to */
const linked = (from, to) =>
  link(from, to).then(
    () => true,
    (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
