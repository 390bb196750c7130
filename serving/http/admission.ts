import { times } from '../../contracts/counted.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { once } from './once.ts';

/** How much is in the server at a time. What is too much is refused at once, before it is read. */
export interface Admission {
  /** Lets a request in by the bytes that it announces. @returns ends its stay @throws HttpError TooManyRequests */
  readonly request: (bytes: number) => () => void;
  /** Lets the photos of a request in. @returns ends their stay @throws HttpError TooManyRequests */
  readonly images: (count: number) => () => void;
  readonly now: () => { readonly requests: number; readonly images: number; readonly bytes: number };
}

/** Of the last answers, by which it is said when to come again. */
const weight = 0.1;
const longestRetrySeconds = 30;
/** So many are let in however slow the machine is, else it would never be seen that it is faster again. */
const fewest = 4;

export function createAdmission({
  queue,
  bytesInFlight,
  timeoutMs,
}: Pick<ServeLimits, 'queue' | 'bytesInFlight' | 'timeoutMs'>): Admission {
  const spent = { requests: 0, images: 0, bytes: 0 };
  /** Seconds that a photo stays, as a moving mean. */
  let stay = 0;

  /** Photos that can be answered in half the time that a request has: the longer they stay, the fewer are let in (Little's law). */
  const most = () => Math.min(queue, Math.max(fewest, Math.floor((queue * timeoutMs) / 2000 / Math.max(stay, 1e-3))));

  const refuse = (what: string) => {
    const seconds = Math.min(longestRetrySeconds, Math.max(1, Math.ceil(stay)));
    return new HttpError('TooManyRequests', `The server is busy: ${what}. Try again in ${seconds} s.`, seconds);
  };
  return {
    request: (bytes) => {
      if (spent.requests >= most()) throw refuse(`${times(spent.requests, 'request')} in work`);
      if (spent.requests > 0 && spent.bytes + bytes > bytesInFlight)
        throw refuse(`the requests in work have ${Math.round(spent.bytes / 2 ** 20)} MiB`);
      spent.requests++;
      spent.bytes += bytes;
      return once(() => {
        spent.requests--;
        spent.bytes -= bytes;
      });
    },
    images: (count) => {
      if (spent.images > 0 && spent.images + count > most()) throw refuse(`${times(spent.images, 'photo')} in work`);
      spent.images += count;
      const since = performance.now();
      return once(() => {
        spent.images -= count;
        stay += weight * ((performance.now() - since) / 1000 - stay);
      });
    },
    now: () => ({ ...spent }),
  };
}
