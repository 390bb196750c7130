import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { failureOf } from '../../contracts/system-errors.ts';
import type { Store } from '../../store/index.ts';
import { type Knowing, openKnowing } from '../open-knowing.ts';

/**
 * By what a version tells what is unknown, which changes where one of the training images that its evaluation keeps is forgotten.
 *
 * I1. The images are held no longer than `pollMs` after that, and photos that are being compared with them are answered first.
 */
export interface LiveKnowing {
  /** To be asked for when it is used, not before. */
  readonly now: () => Pick<Knowing, 'calibration' | 'known'>;
  /** Looks at once. */
  readonly look: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface LiveKnowingOptions {
  readonly store: Store;
  readonly evaluation: ArtifactRef | null;
  readonly pollMs: number;
  /** Hears what cannot be told, and why. */
  readonly onLack: (lack: string) => void;
  readonly log: (line: string) => void;
}

/** @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function openLiveKnowing(options: LiveKnowingOptions): Promise<LiveKnowing> {
  const { store, evaluation, pollMs, onLack, log } = options;
  let current = await openKnowing(store, evaluation);
  let looking: Promise<void> | null = null;
  if (current.lack !== null) onLack(current.lack);

  const change = async () => {
    const before = current;
    // What cannot be read now says nothing of what was forgotten.
    if (!before.known || !(await before.known.isForgotten().catch(() => false))) return;
    current = { ...before, known: null, close: async () => {} };
    await before.close();
    current = await openKnowing(store, evaluation);
    if (current.lack !== null) onLack(current.lack);
  };
  const look = () => {
    looking ??= change()
      .catch((error: unknown) => log(`What the evaluation keeps could not be read again: ${failureOf(error).message}`))
      .finally(() => {
        looking = null;
      });
    return looking;
  };
  const timer = setInterval(() => void look(), pollMs);
  timer.unref();
  return {
    now: () => current,
    look,
    close: async () => {
      clearInterval(timer);
      await looking;
      await current.close();
    },
  };
}
