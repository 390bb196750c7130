import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the event loop of this process, in which the worker runs, was held up, in milliseconds. */
export interface HeldUp {
  readonly p99: number;
  readonly max: number;
}

/** Works, and watches the event loop meanwhile. A worker that is held up for a second cannot heartbeat or take tasks. */
export async function watchEventLoop<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly heldUp: HeldUp }> {
  const resolution = 10;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  try {
    const value = await work();
    const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
    return { value, heldUp: { p99: ms(delays.percentile(99)), max: ms(delays.max) } };
  } finally {
    delays.disable();
  }
}
