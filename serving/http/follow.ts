import { indexAgain } from '../../contracts/index-again.ts';
import type { Waiting } from '../../contracts/serving.ts';
import { failureOf } from '../../contracts/system-errors.ts';
import { isLoss } from './is-loss.ts';
import type { HowToOpen, Served } from './served.ts';
import type { FoundModel } from './source.ts';

/**
 * The version that is served, and the change to the next.
 *
 * Owns: which version is current.
 * Does not own: what a version is made of, or requests.
 *
 * I1. A version becomes current when all of it is open and has answered once; until then the one before serves.
 * I2. A version without an index of its own does not take the place of one with such an index: look-alikes would end, or be others.
 *     Nor does one take the place of one that finds look-alikes while the index of its training images is being made.
 * I3. One version is opened at a time, and the newest that is known.
 * I4. What cannot be opened is said, and tried again ever more seldom; the log is looked at all the same, and what is new in it is
 *     tried at once.
 */
export interface Followed {
  readonly current: () => Served;
  /** What is promoted and not served, and why. */
  readonly waiting: () => Waiting | null;
  /** Looks at once. */
  readonly look: () => Promise<void>;
  /** Ends the looking and closes what is served once no request uses it. */
  readonly close: () => Promise<void>;
}

export interface FollowOptions {
  readonly first: Served;
  /** A mark of what the log says, cheap to ask for; another one where it may have changed. Null: a run, which does not change. */
  readonly mark: (() => Promise<string>) | null;
  /** @param how.begins whether an index of training images is begun, where the version has none of its own */
  readonly find: (how: { readonly begins: boolean }) => Promise<FoundModel>;
  readonly open: (used: FoundModel['used'], how: HowToOpen) => Promise<Served>;
  readonly pollMs: number;
  readonly onSwap: (served: Served) => void;
  readonly onFailed: () => void;
  readonly log: (line: string) => void;
}

const longestPauseMs = 60_000;

export function follow(options: FollowOptions): Followed {
  const { mark, find, open, pollMs, onSwap, onFailed, log } = options;
  let current = options.first;
  let waiting: Waiting | null = null;
  let seen: string | null = null;
  let failures = 0;
  /** The log whose version could not be opened, null where the log cannot be read, and when it is tried again. */
  let failed: { readonly mark: string | null; readonly until: number } | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  const retiring = new Set<Promise<void>>();

  const wait = (version: number, reason: string) => {
    const serving = current.by.version;
    if (waiting?.version !== version || waiting.reason !== reason)
      log(
        serving === version
          ? `Version ${version} serves on as it is, and not yet with its look-alikes: ${reason}`
          : `Version ${version} waits, and version ${serving} serves on: ${reason}`,
      );
    waiting = { version, reason };
  };
  const retire = (served: Served) => {
    const ending = served
      .retire()
      .catch((error: unknown) => log(`A version could not be closed: ${failureOf(error).message}`));
    retiring.add(ending);
    void ending.then(() => retiring.delete(ending));
  };
  const change = async () => {
    if (failed?.mark === null && performance.now() < failed.until) return;
    const now = await notingFailure(null, async () => mark?.());
    if (now === undefined) return;
    if (failed?.mark === now && performance.now() < failed.until) return;
    if (failed?.mark !== now) failures = 0;
    if (now !== seen) await notingFailure(now, changeTo);
    [seen, failed, failures] = [now, null, 0];
  };
  const notingFailure = async <T>(about: string | null, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const pause = Math.min(longestPauseMs, pollMs * 2 ** Math.min(failures + 1, 10));
      failed = { mark: about, until: performance.now() + pause };
      throw error;
    }
  };
  const changeTo = async () => {
    const hasLookAlikes = current.by.index !== null && current.index.problem() === null;
    const hasOwnIndex = hasLookAlikes && current.used.index !== null;
    const { used, trainingIndex, isMaking } = await find({ begins: !hasOwnIndex });
    const searched = used.index ?? trainingIndex;
    const isOther = searched !== null && searched.digest !== current.by.index;
    if (used.version === current.by.version && !isOther) waiting = null;
    else if (hasOwnIndex && used.index === null)
      wait(
        used.version ?? 0,
        `it has no index, and the version that serves has one. To give it one, ${indexAgain(used.name)}.`,
      );
    else if (hasLookAlikes && searched === null && isMaking)
      wait(used.version ?? 0, 'an index of the images that it was trained on is being made.');
    else {
      const next = await open(used, { mayLackIndex: !hasLookAlikes, trainingIndex }).catch((error: unknown) => {
        // What the store says of its files is for the operator.
        log(`Version ${used.version} cannot be opened: ${failureOf(error).message}`);
        wait(
          used.version ?? 0,
          `it cannot be opened${isLoss(error) ? ': a file of it is missing or damaged' : ''}. The log of the server says why.`,
        );
        throw error;
      });
      if (isClosed) return retire(next);
      const before = current;
      current = next;
      waiting = null;
      onSwap(next);
      log(
        next.by.version === before.by.version
          ? `Version ${next.by.version} has look-alikes now: the images that it was trained on.`
          : `Version ${next.by.version} serves now, in place of version ${before.by.version}.`,
      );
      retire(before);
    }
  };
  const look = () => {
    looking ??= change()
      .catch((error: unknown) => {
        if (failures === 0 && waiting === null)
          log(`The versions of the model could not be read: ${failureOf(error).message}`);
        failures++;
        onFailed();
      })
      .finally(() => {
        looking = null;
      });
    return looking;
  };
  const later = () => {
    if (!mark || isClosed) return;
    timer = setTimeout(() => void look().finally(later), pollMs);
  };
  later();
  return {
    current: () => current,
    waiting: () => waiting,
    look: async () => {
      // One that has begun may have read the log before.
      await looking;
      failed = null;
      await look();
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await looking;
      retire(current);
      await Promise.all(retiring);
    },
  };
}
