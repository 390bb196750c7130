import { setTimeout as wait } from 'node:timers/promises';
import { formatBytes } from '../../../contracts/limits.ts';
import { isCertificateError, networkCause, passingAnswers, redirectAnswers } from '../../../contracts/network.ts';
import { type FetchFailure, lasting, NotFetched, passing } from './not-fetched.ts';
import type { Request } from './public-request.ts';
import type { KeptFile, UrlCache } from './url-cache.ts';

/** How much is asked of other people's servers, and taken from them. */
export interface FetchLimits {
  readonly bytes: number;
  /** Of one attempt, until the last byte is there. */
  readonly milliseconds: number;
  readonly redirects: number;
  /** Before each further attempt, where the cause of a failure may pass. */
  readonly waits: readonly number[];
}

export const fetchLimits: FetchLimits = {
  bytes: 64 * 2 ** 20,
  milliseconds: 60_000,
  redirects: 5,
  waits: [500, 3000],
};

/**
 * Fetches an image into the cache, unless it is there.
 *
 * @param options.request makes one request; @default any address may be reached
 * @throws the signal's reason; an error of the disk
 */
export async function fetchImage(
  url: string,
  cache: UrlCache,
  {
    limits = fetchLimits,
    signal,
    request = anywhere,
  }: {
    readonly limits?: FetchLimits;
    readonly signal?: AbortSignal | undefined;
    readonly request?: Request;
  } = {},
): Promise<KeptFile | FetchFailure> {
  const kept = await cache.find(url);
  if (kept) return kept;
  for (let attempt = 0; ; attempt++) {
    const outcome = await attemptOf(url, cache, { limits, request }, signal);
    const pause = limits.waits[attempt];
    if ('path' in outcome || !outcome.passing || pause === undefined) return outcome;
    await wait(pause, undefined, signal ? { signal } : {});
  }
}

async function attemptOf(
  url: string,
  cache: UrlCache,
  { limits, request }: { readonly limits: FetchLimits; readonly request: Request },
  signal: AbortSignal | undefined,
): Promise<KeptFile | FetchFailure> {
  const late = AbortSignal.timeout(limits.milliseconds);
  const either = signal ? AbortSignal.any([signal, late]) : late;
  /** What the network does wrong; a disk's errors are no failures of the image. */
  const fromNetwork = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof NotFetched) throw error;
      if (late.aborted) throw passing(`could not be fetched within ${limits.milliseconds / 1000} s`);
      // A certificate is the same another time.
      throw (isCertificateError(error) ? lasting : passing)(`could not be fetched: ${networkCause(error)}`);
    }
  };
  try {
    return await cache.keep(url, async (append) => {
      const response = await fromNetwork(() => responseOf(url, request, limits, either));
      const pieces = response.body?.getReader();
      const tooMany = () => lasting(`has more than ${formatBytes(limits.bytes)}, which are not fetched`);
      try {
        // What it announces too much of is not begun; what it announces too little of is counted.
        if (Number(response.headers.get('content-length') ?? 0) > limits.bytes) throw tooMany();
        for (let bytes = 0; pieces; ) {
          const { done, value } = await fromNetwork(() => pieces.read());
          if (done) break;
          bytes += value.byteLength;
          if (bytes > limits.bytes) throw tooMany();
          await append(value);
        }
      } finally {
        await pieces?.cancel().catch(() => {});
      }
    });
  } catch (error) {
    if (error instanceof NotFetched) return error.failure;
    throw error;
  }
}

/** Follows redirects itself: fetch would follow more of them, and to anywhere. */
async function responseOf(url: string, request: Request, limits: FetchLimits, signal: AbortSignal): Promise<Response> {
  let at = new URL(url);
  for (let redirects = 0; redirects <= limits.redirects; redirects++) {
    const response = await request(at, {
      signal,
      headers: { accept: 'image/*,*/*;q=0.5', 'user-agent': 'contrail' },
    });
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (!redirectAnswers.includes(response.status) || location === null) throw refusalOf(response.status);
    if (!URL.canParse(location, at.href)) throw lasting('was redirected to what is no URL');
    const next = new URL(location, at);
    const isSafe = next.protocol === 'https:' || (next.protocol === 'http:' && at.protocol === 'http:');
    if (!isSafe) throw lasting(`was redirected from ${at.protocol} to ${next.protocol}, which is not followed`);
    at = next;
  }
  throw lasting(`was redirected more than ${limits.redirects} times`);
}

const anywhere: Request = (url, init) => fetch(url, { ...init, redirect: 'manual' });

const refusalOf = (status: number) =>
  (passingAnswers.includes(status) ? passing : lasting)(`could not be fetched: the server answered ${status}`);
