import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../contracts/child-environment.ts';
import { hasCode } from '../contracts/system-errors.ts';

/** The folders of one attempt. */
export interface Workspace {
  /** Where the program starts, beside its sources. */
  readonly work: string;
  readonly inputs: string;
  /** For what the program keeps for a moment (TMPDIR). */
  readonly temporary: string;
  readonly resultFile: string;
  readonly progressFile: string;
  readonly remove: () => Promise<void>;
}

/** Makes an empty folder that is gone afterwards, and removes those of workers that died. */
export async function makeWorkspace(cacheFolder: string): Promise<Workspace> {
  const all = join(cacheFolder, 'own-steps');
  await mkdir(all, { recursive: true, mode: 0o700 });
  await sweep(all);
  const folder = join(all, `${process.pid}-${randomBytes(6).toString('hex')}`);
  const [work, inputs, temporary] = [join(folder, 'work'), join(folder, 'inputs'), join(folder, 'tmp')];
  for (const each of [work, inputs, temporary]) await mkdir(each, { recursive: true, mode: 0o700 });
  return {
    work,
    inputs,
    temporary,
    resultFile: join(folder, 'result.json'),
    progressFile: join(folder, 'progress'),
    remove: () => removeFolder(folder),
  };
}

async function sweep(all: string): Promise<void> {
  for (const name of await readdir(all)) {
    const pid = Number(/^(\d+)-[0-9a-f]+$/.exec(name)?.[1]);
    // Another attempt may remove it as well.
    if (pid > 0 && !lives(pid)) await removeFolder(join(all, name)).catch(() => undefined);
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** Removes a folder with folders in it that cannot be written to. Links are removed, never followed. */
async function removeFolder(folder: string): Promise<void> {
  const open = async (path: string): Promise<void> => {
    await chmod(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true }))
      if (entry.isDirectory()) await open(join(path, entry.name));
  };
  if ((await lstat(folder).catch(() => null))?.isDirectory()) await open(folder).catch(() => undefined);
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    // Folders in folders without end have no path that Node could name; rm goes from one into the next.
    if (!hasCode(error, 'ENAMETOOLONG')) throw error;
    await promisify(execFile)('rm', ['-rf', '--', folder], { env: childEnvironment(process.env, 'server') });
  }
}
