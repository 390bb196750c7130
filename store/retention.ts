import type { ProgressPoint } from '../contracts/checkpoints.ts';

/** A checkpoint, as the retention rule sees it. */
export interface Removable extends ProgressPoint {
  readonly name: string;
  /** Null for a checkpoint within an epoch. */
  readonly loss: number | null;
}

/**
 * The checkpoints that need not be kept: all but the last ends of epochs, those with the lowest losses, and the points
 * within an epoch that come after the last finished one.
 *
 * @param checkpoints the oldest first
 */
export function superfluous(
  checkpoints: readonly Removable[],
  keep: { readonly last: number; readonly best: number },
): string[] {
  const epochs = checkpoints.filter(({ step }) => step === 0);
  const newestEpoch = epochs.at(-1)?.epoch ?? -1;
  const best = epochs
    .filter(({ loss }) => loss !== null)
    .sort((a, b) => (a.loss ?? 0) - (b.loss ?? 0))
    .slice(0, keep.best);
  const within = checkpoints.filter(({ step, epoch }) => step > 0 && epoch >= newestEpoch);
  const kept = new Set([...epochs.slice(-keep.last), ...best, ...within.slice(-keep.last)].map(({ name }) => name));
  return checkpoints.map(({ name }) => name).filter((name) => !kept.has(name));
}
