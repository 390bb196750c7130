import { execFileSync } from 'node:child_process';

/** The code and the message of what failed. */
export async function failure(work: Promise<unknown>): Promise<{ readonly code: unknown; readonly message: string }> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return { code: 'code' in error ? error.code : error.name, message: error.message };
}

/** Waits for at most half a minute. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come to it');
}

/** Whether a process has this mark in its arguments. */
export const isRunning = (mark: string): boolean =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(mark);
