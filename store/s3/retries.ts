import type { S3ClientConfig } from '@aws-sdk/client-s3';

/** Some six seconds of waiting, on average, before it is given up; then the step is tried again. */
const mostAttempts = 8;
const firstWaitMs = 100;
const longestWaitMs = 5000;

/** Answers that the SDK holds for final, and that pass: another write of the same key was under way. */
const passing: readonly string[] = ['ConditionalRequestConflict', 'OperationAborted', 'RequestTimeout'];

/** How long to wait before attempt `attempt + 1`: between nothing and twice as much as the time before, so that not all come back at once. */
export const waitMs = (attempt: number, random: () => number = Math.random): number =>
  random() * Math.min(longestWaitMs, firstWaitMs * 2 ** attempt);

type Strategy = Exclude<NonNullable<S3ClientConfig['retryStrategy']>, { retry: unknown }>;

/**
 * When the SDK sends a request again: what broke on the way, 5xx, "slow down" and conflicts. Unlike its own strategy this one has no
 * budget that all requests share: with that, an outage of seconds fails whatever comes late.
 */
export const retryStrategy: Strategy = {
  acquireInitialRetryToken: async () => token(0, 0),
  refreshRetryTokenForRetry: async (before, { error, errorType, retryAfterHint }) => {
    const attempt = before.getRetryCount() + 1;
    const isPassing = errorType !== 'CLIENT_ERROR' || passing.includes(error?.name ?? '');
    if (!isPassing || attempt >= mostAttempts) throw error ?? new Error('the request failed');
    const asked = retryAfterHint ? retryAfterHint.getTime() - Date.now() : 0;
    return token(attempt, Math.min(longestWaitMs, Math.max(waitMs(attempt - 1), asked)));
  },
  recordSuccess: () => {},
};

const token = (attempt: number, delayMs: number) => ({
  getRetryCount: () => attempt,
  getRetryDelay: () => delayMs,
});
