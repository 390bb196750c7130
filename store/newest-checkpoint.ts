import type { RejectedCheckpoint } from '../contracts/checkpoints.ts';
import { isContrailError } from '../contracts/errors.ts';
import { readCheckpoint } from './checkpoint-files.ts';
import { type CheckpointFolder, foundIn, placeOf, unlessUnusable } from './checkpoint-folder.ts';
import { comparePoints } from './checkpoint-names.ts';
import type { Checkpoints, LoadedCheckpoint } from './checkpoints.ts';

/** `Checkpoints.newestValid`: what is damaged is skipped and named; what cannot be read is an error where none is valid (C4). */
export async function newestCheckpoint(
  at: CheckpointFolder,
  { upTo, wholeEpochs = false, belongs = () => true }: NonNullable<Parameters<Checkpoints['newestValid']>[0]> = {},
): ReturnType<Checkpoints['newestValid']> {
  const rejected: RejectedCheckpoint[] = [];
  let unread: unknown = null;
  for (const { name, parsed: point } of (await foundIn(at)).toReversed()) {
    if ((upTo && comparePoints(point, upTo) > 0) || (wholeEpochs && point.step > 0)) continue;
    let newest: LoadedCheckpoint;
    try {
      newest = await loadCheckpoint(at, name);
    } catch (error) {
      unlessUnusable(error);
      if (isContrailError(error) && error.code === 'StoreUnreadable') unread = error;
      rejected.push({ name, reason: error instanceof Error ? error.message : String(error) });
      continue;
    }
    if (belongs(newest.manifest)) return { newest, rejected };
  }
  if (unread) throw unread;
  return { newest: null, rejected };
}

/** `Checkpoints.load` */
export const loadCheckpoint = async (at: CheckpointFolder, name: string): Promise<LoadedCheckpoint> => ({
  name,
  ...(await readCheckpoint(at.store, placeOf(at, name))),
});
