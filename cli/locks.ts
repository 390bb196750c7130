import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError } from '../contracts/errors.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { startOf } from './processes.ts';

/** A lock of the kernel's. It ends with the last process that has it open, however that ends. */
export interface Lock {
  /** Handed to a child among its files, it holds the lock as long as that child lives. */
  readonly file: number;
  /** This process no longer holds it. */
  readonly close: () => void;
}

/** Node has no call for it. A lock belongs to the open file, which we share with these, and stays when they have ended. */
const programs: readonly (readonly [string, readonly string[]])[] = [
  ['flock', ['--exclusive', '--nonblock', '3']],
  [
    'python3',
    [
      '-c',
      'import fcntl, sys\ntry: fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError: sys.exit(1)',
    ],
  ],
];

/**
 * Takes the lock on a file, which is made where it is not there and never removed.
 *
 * @returns null when another process holds it
 * @throws ContrailError SetupFailed when the file system has no locks
 */
export function takeLock(path: string): Lock | null {
  const file = openSync(path, 'a', 0o600);
  const close = () => closeSync(file);
  let said = 'neither flock nor python3 is there';
  for (const [program, args] of programs) {
    const { status, error, stderr } = spawnSync(program, args, {
      env: childEnvironment(process.env, 'server'),
      stdio: ['ignore', 'ignore', 'pipe', file],
    });
    if (status === 0) return { file, close };
    if (status === 1 && String(stderr).trim() === '') {
      close();
      return null;
    }
    if (!error) said = String(stderr).trim();
  }
  close();
  throw new ContrailError('SetupFailed', `${path} cannot be locked: ${said}. CONTRAIL_HOME must be on a local disk.`);
}

/** Writes into the file of a lock who holds it, and which file that is: in a copy of it the same words are not true. */
export function signLock(path: string, { file }: Lock): void {
  ftruncateSync(file);
  writeSync(file, `${process.pid} ${startOf(process.pid)} ${fileAt(path)}\n`);
}

/** The process that signed a lock, where it lives; 0 otherwise. */
export function signerOf(path: string): number {
  try {
    const [pid, started, file] = readFileSync(path, 'utf8').trim().split(' ');
    return started !== undefined && startOf(Number(pid)) === started && file === fileAt(path) ? Number(pid) : 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** Which file stands at a path: one that was moved is the same, a copy is another. Null where there is none. */
export function fileAt(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.dev}/${found.ino}` : null;
}
