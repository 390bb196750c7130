import { readFileSync } from 'node:fs';

const intervalMs = 5;

/**
 * Works, and finds the longest stretch of processor time that this thread took between two turns of its event loop, in
 * milliseconds. Unlike the time that passes, it does not grow where other programs want the same processor.
 */
export async function longestStretch<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly longestMs: number }> {
  let last = processorMs();
  let longestMs = 0;
  const look = () => {
    const now = processorMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  };
  const timer = setInterval(look, intervalMs);
  try {
    const value = await work();
    look();
    return { value, longestMs };
  } finally {
    clearInterval(timer);
  }
}

/** Of the thread that runs JavaScript, as the kernel counts it. */
const processorMs = (): number =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
