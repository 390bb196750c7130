import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { nativeFolder } from './paths.ts';

/** Lets one process at a time set up; the others wait. The lock of a process that is gone is taken over. */
export async function withSetupLock<T>(work: () => Promise<T>, log: (line: string) => void): Promise<T> {
  await mkdir(nativeFolder, { recursive: true });
  const path = join(nativeFolder, 'setup.lock');
  for (let announced = false; ; announced = true) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
      if (owner > 0 && !isAlive(owner)) await rm(path, { force: true });
      else {
        if (!announced) log(`Waiting for another set-up (process ${owner}) to end`);
        await wait(500);
      }
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
