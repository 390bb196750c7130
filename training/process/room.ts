import { totalmem } from 'node:os';

/** Of the memory of the machine, or of the container, what is to stay free. */
const leastFree = 0.25;

/** Whether there is room for processes that wait with all that they hold. */
export function hasRoom(): boolean {
  const limit = process.constrainedMemory();
  // Without a limit it is 0, or a number that no machine has.
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return process.availableMemory() >= leastFree * total;
}
