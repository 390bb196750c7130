import { type CheckpointName, comparePoints } from './checkpoint-names.ts';

/** A checkpoint, as the retention rule sees it. */
export interface Removable extends CheckpointName {
  readonly name: string;
  /** Null for a checkpoint within an epoch. */
  readonly loss: number | null;
  readonly pinned: boolean;
}

/** How many ends of epochs to keep: the last, those with the lowest loss, and each whose number `every` divides. */
export interface Keep {
  readonly last: number;
  readonly best: number;
  readonly every?: number | undefined;
  /** Ends of epochs that the run may go back to, such as the last good one of a health rule. */
  readonly epochs?: readonly number[] | undefined;
}

/**
 * The checkpoints that need not be kept: all but the last ends of epochs, those with the lowest losses, those of every so
 * many epochs, those that the run may go back to, the last within an epoch that no end of an epoch has overtaken, and those that
 * are pinned. Of several attempts at one point, the newest stands for the point.
 *
 * @param checkpoints the oldest first
 * @returns names, in the same order
 */
export function superfluous(checkpoints: readonly Removable[], keep: Keep): string[] {
  const points = checkpoints.filter((one, index) => {
    const next = checkpoints[index + 1];
    return !next || comparePoints(one, next) !== 0;
  });
  const epochs = points.filter(({ step }) => step === 0);
  const newestEpoch = epochs.at(-1)?.epoch ?? 0;
  const within = points.filter(({ step, epoch }) => step > 0 && epoch >= newestEpoch);
  const best = epochs
    .flatMap(({ name, loss }) => (loss === null ? [] : [{ name, loss }]))
    .sort((a, b) => a.loss - b.loss)
    .slice(0, keep.best);
  const { every } = keep;
  const regular = every === undefined ? [] : epochs.filter(({ epoch }) => epoch % every === 0);
  const wanted = epochs.filter(({ epoch }) => keep.epochs?.includes(epoch));
  const kept = new Set(
    [
      ...lastOf(epochs, keep.last),
      ...lastOf(within, keep.last),
      ...best,
      ...regular,
      ...wanted,
      ...checkpoints.filter(isPinned),
    ].map(({ name }) => name),
  );
  return checkpoints.map(({ name }) => name).filter((name) => !kept.has(name));
}

const isPinned = ({ pinned }: Removable) => pinned;

/** Not `slice(-count)`, which gives everything for 0. */
const lastOf = <T>(items: readonly T[], count: number): readonly T[] => items.slice(Math.max(0, items.length - count));
