import type { ChildProcess } from 'node:child_process';

/** Waits until a process has ended. */
export const hasEnded = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
  );
