import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { HubFile } from '../../contracts/initial-weights.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { networkCause } from '../../contracts/network.ts';
import { weightLimits } from '../file.ts';
import { NotFetched, requestFile } from './request.ts';
import type { HubSettings } from './settings.ts';

/** How patient a download is. */
export interface DownloadLimits {
  readonly bytes: number;
  /** The longest silence of a server, in milliseconds. */
  readonly silenceMs: number;
  /** A server that sends less than 1 MiB in so many milliseconds is given up. @default 10 minutes */
  readonly slowMs?: number;
  /** Before each further attempt, where the cause of a failure may pass. */
  readonly waits: readonly number[];
}

export const downloadLimits: DownloadLimits = {
  bytes: weightLimits.bytes,
  silenceMs: 60_000,
  waits: [500, 3000, 10_000],
};

/** An attempt that came so much further than all before was no vain one. */
const worthwhile = 2 ** 20;
const slowest = 10 * 60_000;

export interface Downloading {
  readonly settings: HubSettings;
  readonly signal: AbortSignal;
  readonly limits: DownloadLimits;
  /** Called again and again; `total` is null where the server does not say it. */
  readonly onProgress: (done: number, total: number | null) => void;
  /** Is told the digest that the hub has for the file, before the file is fetched. May throw. */
  readonly onDigest: (sha256: string) => void;
}

/**
 * Fetches a file of the hub into one that may hold its beginning already. What was cut off goes on where it ended.
 *
 * @returns whether it was put together of several answers
 * @throws NotFetched; the signal's reason; an error of the disk
 */
export async function download(
  file: HubFile,
  path: string,
  options: Downloading,
): Promise<{ readonly resumed: boolean }> {
  const { limits, signal } = options;
  let resumed = false;
  let furthest = 0;
  for (let vain = 0; ; ) {
    const target = await open(path, 'a+');
    const before = (await target.stat()).size;
    resumed ||= before > 0;
    furthest = Math.max(furthest, before);
    try {
      await attempt(file, target, before, options);
      return { resumed };
    } catch (error) {
      if (!(error instanceof NotFetched) || !error.passing) throw error;
      // A server that begins anew each time brings much and comes no further.
      const brought = (await target.stat()).size - furthest;
      const pause = limits.waits[brought >= worthwhile ? 0 : vain];
      if (pause === undefined) throw error;
      vain = brought >= worthwhile ? 0 : vain + 1;
      await wait(pause, undefined, { signal });
    } finally {
      await target.close();
    }
  }
}

async function attempt(
  file: HubFile,
  target: FileHandle,
  from: number,
  { settings, signal, limits, onProgress, onDigest }: Downloading,
): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), limits.silenceMs);
  const slow = new AbortController();
  const either = AbortSignal.any([signal, silence.signal, slow.signal]);
  let done = from;
  const { slowMs = slowest } = limits;
  let doneBefore = done;
  const slowTimer = setInterval(() => {
    if (done - doneBefore < worthwhile) slow.abort();
    doneBefore = done;
  }, slowMs);
  let total: number | null = null;
  const far = () => (done > 0 ? ` after ${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}` : '');
  try {
    const response = await requestFile(file, settings, { from, signal: either, onDigest });
    const pieces = response.body?.getReader();
    try {
      const rest = restIn(response, from);
      // The server has another file than the one that was begun, or gives no parts of it.
      if (rest === null) {
        done = 0;
        await target.truncate(0);
        if (response.status !== 200)
          throw new NotFetched('could not be fetched: the server gave another part of it than was asked for', true);
      }
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      total = rest?.total ?? (Number.isSafeInteger(length) && rest === null ? length : null);
      requireSize(total ?? 0, limits);
      while (pieces) {
        const { done: ended, value } = await pieces.read();
        if (ended) break;
        timer.refresh();
        requireSize(done + value.byteLength, limits);
        await target.appendFile(value);
        done += value.byteLength;
        onProgress(done, total);
      }
      if (total !== null && done < total) throw new NotFetched('could not be fetched: it was cut off', true);
    } finally {
      await pieces?.cancel().catch(() => {});
    }
  } catch (error) {
    signal.throwIfAborted();
    if (silence.signal.aborted)
      throw new NotFetched(
        `could not be fetched: the server said nothing for ${limits.silenceMs / 1000} s${far()}`,
        true,
      );
    if (slow.signal.aborted)
      throw new NotFetched(
        `could not be fetched: the server sent less than ${formatBytes(worthwhile)} in ${slowMs / 1000} s${far()}`,
        true,
      );
    if (error instanceof NotFetched) throw error.passing ? new NotFetched(`${error.message}${far()}`, true) : error;
    // Errors of a disk have a system call; those of the network have it in their cause.
    if (!(error instanceof TypeError)) throw error;
    throw new NotFetched(`could not be fetched: ${networkCause(error)}${far()}`, true, { cause: error });
  } finally {
    clearTimeout(timer);
    clearInterval(slowTimer);
  }
}

/** The size of the whole file, where the answer is the rest of it from that byte on; null where it is not. */
function restIn({ status, headers }: Response, from: number): { readonly total: number | null } | null {
  if (status !== 206) return null;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  if (Number(start) !== from || total === undefined) return null;
  return { total: total === '*' ? null : Number(total) };
}

function requireSize(bytes: number, limits: DownloadLimits): void {
  if (bytes > limits.bytes)
    throw new NotFetched(
      `has more than ${formatBytes(limits.bytes)}, which are not fetched. Name another file.`,
      false,
    );
}

/** SHA-256 of a file. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
