import { times } from '../../contracts/counted.ts';
import { HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { once } from './once.ts';
import { createShares } from './shares.ts';

/** How much is in the server at a time, of all clients and of each. What is too much is refused at once, before it is read. */
export interface Admission {
  /** Lets a request of a client in by the bytes that it announces. @returns ends its stay @throws HttpError TooManyRequests */
  readonly request: (bytes: number, client: string) => () => void;
  /** Lets the photos of a request in. @returns ends their stay @throws HttpError TooManyRequests */
  readonly images: (count: number, client: string) => () => void;
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
  const requests = createShares();
  const bytes = createShares();
  const images = createShares();
  /** Seconds that a photo stays, as a moving mean. */
  let stay = 0;

  /** Photos that can be answered in half the time that a request has: the longer they stay, the fewer are let in (Little's law). */
  const most = () => Math.min(queue, Math.max(fewest, Math.floor((queue * timeoutMs) / 2000 / Math.max(stay, 1e-3))));

  const refuse = (what: string, isOwn: boolean) => {
    const seconds = Math.min(longestRetrySeconds, Math.max(1, Math.ceil(stay)));
    return new HttpError(
      'TooManyRequests',
      isOwn
        ? `Your address has its share of this server: ${what}. Wait for answers before you ask again, or try again in ${seconds} s.`
        : `The server is busy: ${what}. Try again in ${seconds} s.`,
      seconds,
    );
  };
  return {
    request: (announced, client) => {
      const places = most();
      if (requests.total() >= places) throw refuse(`${times(requests.total(), 'request')} in work`, false);
      if (requests.total() > 0 && bytes.total() + announced > bytesInFlight)
        throw refuse(`the requests in work have ${mebibytes(bytes.total())}`, false);
      const own = requests.has(client);
      if (own >= requests.of(client, places)) throw refuse(`${times(own, 'request')} in work`, true);
      if (own > 0 && bytes.has(client) + announced > bytes.of(client, bytesInFlight))
        throw refuse(`your requests in work have ${mebibytes(bytes.has(client))}`, true);
      const leave = [requests.take(client, 1), bytes.take(client, announced)];
      return () => {
        for (const each of leave) each();
      };
    },
    images: (count, client) => {
      const places = most();
      if (images.total() > 0 && images.total() + count > places)
        throw refuse(`${times(images.total(), 'photo')} in work`, false);
      const own = images.has(client);
      if (own > 0 && own + count > images.of(client, places)) throw refuse(`${times(own, 'photo')} in work`, true);
      const leave = images.take(client, count);
      const since = performance.now();
      return once(() => {
        leave();
        stay += weight * ((performance.now() - since) / 1000 - stay);
      });
    },
    now: () => ({ requests: requests.total(), images: images.total(), bytes: bytes.total() }),
  };
}

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
