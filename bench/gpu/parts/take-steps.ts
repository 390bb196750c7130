import { createHash } from 'node:crypto';
import { gpusInUse } from '../../../native/gpu.ts';
import { type OwnWorkload, openOurs } from '../../ours.ts';
import { median } from '../../statistics.ts';
import type { Tell } from '../figures.ts';

export interface Steps {
  readonly workload: OwnWorkload;
  readonly steps: number;
}

/** A few captured steps: their losses, the digest of all variables after them, and the time of one. */
export async function takeSteps({ workload, steps }: Steps, tell: Tell): Promise<void> {
  const ours = openOurs(workload);
  const { losses, milliseconds } = ours.run(steps);
  const hash = createHash('sha256');
  for (const [name, values] of ours.state()) hash.update(name).update(values);
  tell('losses', losses.join(' '));
  tell('digest', hash.digest('hex'));
  // TensorFlow gives no memory back, so what it has now is the most that it had.
  for (const { index, usedMiB } of await gpusInUse().catch(() => [])) tell(`memory of GPU ${index}`, usedMiB, 'MiB');
  tell('step', median(milliseconds.slice(Math.ceil(steps / 4))), 'ms');
}
