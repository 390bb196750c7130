import type { Draw } from '../draw.ts';
import { clockFaults, diskFaults } from './disk.ts';
import type { Fault, Need } from './fault.ts';
import { linkFaults, s3Faults } from './network.ts';
import { processFaults } from './processes.ts';
import { storeFaults } from './store-files.ts';

export type { Fault, Need, Strike } from './fault.ts';

export const faults: readonly Fault[] = [
  ...processFaults,
  ...linkFaults,
  ...s3Faults,
  ...diskFaults,
  ...clockFaults,
  ...storeFaults,
];

/** One of the faults that can happen there, by their weights. */
export function drawFault(draw: Draw, has: ReadonlySet<Need>): Fault {
  const possible = faults.filter(({ needs = [] }) => needs.every((need) => has.has(need)));
  let at = draw.below(
    'fault',
    possible.reduce((sum, { weight }) => sum + weight, 0),
  );
  for (const fault of possible) {
    at -= fault.weight;
    if (at < 0) return fault;
  }
  throw new Error('no fault can happen there');
}
