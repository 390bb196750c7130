import type { ProgressPoint } from '../contracts/checkpoints.ts';

/** What the name of a checkpoint says: where training stood, and the fencing token it was written under. */
export interface CheckpointName extends ProgressPoint {
  readonly token: number;
}

const digits = (value: number, count: number) => String(value).padStart(count, '0');

/**
 * `epoch-000003-t1` at the end of an epoch, `epoch-000003-step-000040-t2` within the one after it. The token is in the
 * name, so two attempts never write the same file.
 */
export function checkpointName({ epoch, step, token }: CheckpointName): string {
  return `epoch-${digits(epoch, 6)}${step > 0 ? `-step-${digits(step, 6)}` : ''}-t${token}`;
}

/** The reverse of `checkpointName`; null for a name that it would not give. */
export function parseCheckpointName(name: string): CheckpointName | null {
  const match = /^epoch-(\d{6,})(?:-step-(\d{6,}))?-t(\d+)$/.exec(name);
  if (!match) return null;
  const parsed = { epoch: Number(match[1]), step: Number(match[2] ?? 0), token: Number(match[3]) };
  return checkpointName(parsed) === name ? parsed : null;
}

export const comparePoints = (a: ProgressPoint, b: ProgressPoint): number => a.epoch - b.epoch || a.step - b.step;

/** The order of checkpoints: by epoch, then step, then token. */
export const compareCheckpoints = (a: CheckpointName, b: CheckpointName): number =>
  comparePoints(a, b) || a.token - b.token;
