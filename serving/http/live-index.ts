import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { indexAgain } from '../../contracts/index-again.ts';
import { explained, failureOf } from '../../contracts/system-errors.ts';
import { saysForgotten } from '../../store/index.ts';
import type { VectorIndex } from '../../vectors/index.ts';
import { isLoss } from './is-loss.ts';

/**
 * The index of a version, which is given up where its files are gone or damaged, and opened again when they are whole.
 *
 * Owns: the open index, and when it is looked at and opened again.
 * Does not own: what is answered without it.
 *
 * I1. An index that failed once is not used again before the digest of every file of it was found right.
 * I2. It is looked at every `pollMs`: what was removed from it because an image was forgotten is searched no longer than that.
 * I3. One that cannot be opened is tried ever more seldom, up to `longestPauseMs`.
 */
export interface LiveIndex {
  /** Null where the version has none, or it cannot be used. */
  readonly now: () => VectorIndex | null;
  /** Why it cannot be used, without a path; null where it can, or there is none. */
  readonly problem: () => string | null;
  /** Gives up an index that failed. */
  readonly failed: (index: VectorIndex, cause: unknown) => void;
  /** Looks at once. */
  readonly look: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface LiveIndexOptions {
  readonly ref: ArtifactRef;
  /** @param thorough whether every file is to be read and checked */
  readonly open: (thorough: boolean) => Promise<VectorIndex>;
  /** Whether it is served without where the first opening fails. */
  readonly mayLack: boolean;
  readonly pollMs: number;
  readonly log: (line: string) => void;
}

const longestPauseMs = 60_000;

/** Of a version that has no index. */
export const noIndex: LiveIndex = {
  now: () => null,
  problem: () => null,
  failed: () => {},
  look: async () => {},
  close: async () => {},
};

/** @throws what the first opening throws, unless the version may lack its index, and the index is damaged or gone or finds no room to be opened */
export async function openLiveIndex({ ref, open, mayLack, pollMs, log }: LiveIndexOptions): Promise<LiveIndex> {
  const name = `The index ${ref.digest.slice(0, 12)}`;
  let current: VectorIndex | null = null;
  let problem: string | null = null;
  let failures = 0;
  let nextTry = 0;
  let isClosed = false;
  let looking: Promise<void> | null = null;
  const closing = new Set<Promise<void>>();

  const end = (index: VectorIndex) => {
    const ended = index
      .close()
      .catch((error: unknown) => log(`${name} could not be closed: ${failureOf(error).message}`));
    closing.add(ended);
    void ended.then(() => closing.delete(ended));
  };
  const giveUp = (cause: unknown) => {
    if (current) end(current);
    current = null;
    const isDamaged = [undefined, 'CorruptArtifact'].includes(explained(cause)?.code);
    const help = isDamaged ? `To have them again, ${indexAgain()}.` : 'It is tried again.';
    problem = `The index cannot be used, so there are no look-alikes: ${reasonOf(cause)} ${help}`;
    log(`${name} cannot be used, and is served without: ${failureOf(cause).message}`);
  };
  const pause = () => {
    nextTry = performance.now() + Math.min(longestPauseMs, pollMs * 2 ** Math.min(failures, 10));
    failures++;
  };
  const again = async () => {
    if (performance.now() < nextTry) return;
    try {
      const index = await open(true);
      if (isClosed) return end(index);
      [current, problem, failures] = [index, null, 0];
      log(`${name} is whole again, and is searched.`);
    } catch {
      pause();
    }
  };
  const change = async () => {
    const index = current;
    if (!index) return again();
    try {
      await index.check();
    } catch (error) {
      // What only cannot be read now is open still, and may be read soon.
      if (current === index && isLoss(error)) {
        giveUp(error);
        pause();
      }
    }
  };
  const look = () => {
    looking ??= change().finally(() => {
      looking = null;
    });
    return looking;
  };

  try {
    current = await open(false);
  } catch (error) {
    if (!mayLack || !(isLoss(error) || hasNoRoom(error))) throw error;
    giveUp(error);
    pause();
  }
  const timer = setInterval(() => void look(), pollMs);
  timer.unref();
  return {
    now: () => current,
    problem: () => problem,
    failed: (index, cause) => {
      if (index !== current) return;
      giveUp(cause);
      nextTry = 0;
    },
    look,
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await looking;
      if (current) end(current);
      current = null;
      await Promise.all(closing);
    },
  };
}

/** Why an index cannot be used, in a sentence without a path, which is for the operator. */
function reasonOf(cause: unknown): string {
  const known = explained(cause);
  if (known && saysForgotten(known)) return 'files of it were removed, because an image was forgotten.';
  return isLoss(cause)
    ? 'a file of it is missing or damaged. The log of the server says which.'
    : 'the log of the server says why.';
}

/** What is said of the folder for the private copy of a graph; of the store's files it is told in other words. */
const withoutRoom: readonly string[] = ['DiskFull', 'FileMissing', 'NotAFolder', 'NotPermitted', 'ReadOnly'];
const hasNoRoom = (error: unknown) => withoutRoom.includes(explained(error)?.code ?? '');
