import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory, where the system has such a place: some inputs are files, and each is there for no more than milliseconds. */
const within = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const prefix = 'contrail-fuzz-';

/** A folder of this process. Those of processes that are gone are removed: who is killed cannot do so. */
export function ownFolder(): Promise<string> {
  removeFolders((pid) => !lives(pid));
  return mkdtemp(join(within, `${prefix}${process.pid}-`));
}

/** Removes the folders of a process that was ended. */
export const removeFoldersOf = (ended: number | undefined): void => removeFolders((pid) => pid === ended);

function removeFolders(isGone: (pid: number) => boolean): void {
  for (const name of readdirSync(within)) {
    const [, pid] = name.startsWith(prefix) ? (/^(\d+)-/.exec(name.slice(prefix.length)) ?? []) : [];
    if (pid !== undefined && isGone(Number(pid))) rmSync(join(within, name), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
