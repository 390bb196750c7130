import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { HttpError } from './http-error.ts';

/** Who may ask. */
export interface Guard {
  /**
   * Whether a request names this server and does not come from another site's page.
   *
   * @throws HttpError Forbidden
   */
  readonly checkOrigin: (headers: IncomingHttpHeaders, method: string) => void;
  /** @throws HttpError Unauthorized */
  readonly checkToken: (headers: IncomingHttpHeaders) => void;
  /** Whether a request has the token, or none is needed. */
  readonly mayAsk: (headers: IncomingHttpHeaders) => boolean;
  readonly needsToken: boolean;
}

export interface GuardOptions {
  /** Where the server listens. */
  readonly host: string;
  /** Without one everybody who reaches the server may ask. */
  readonly token: string | null;
  /** Other names by which clients reach it, through a proxy say. */
  readonly allowedHosts: readonly string[];
  /** The option of the program by which its operator allows one; undefined where it has none. */
  readonly allowOption?: string;
}

/** Whether nothing but this machine reaches an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

export function createGuard({ host, token, allowedHosts, allowOption }: GuardOptions): Guard {
  const wanted = token === null ? null : digestOf(token);
  // Off loopback the name that clients use is not known here, and the token keeps strangers' pages out.
  const checksNames = isLoopback(host) || allowedHosts.length > 0;
  const isAllowed = (name: string) =>
    isLoopback(name) || name === host.toLowerCase() || allowedHosts.some((each) => each.toLowerCase() === name);
  const mayAsk = ({ authorization = '' }: IncomingHttpHeaders) => {
    if (wanted === null) return true;
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    // Digests have one length, so the time of the comparison says nothing of the token.
    return given !== undefined && timingSafeEqual(digestOf(given), wanted);
  };
  return {
    checkOrigin: (headers, method) => {
      const asked = nameOf(`http://${headers.host ?? ''}`);
      if (asked === null) throw new HttpError('BadRequest', 'The Host header names no server.');
      // A page of another site can point its own name at this address (DNS rebinding); the name gives it away.
      if (checksNames && !isAllowed(asked))
        throw new HttpError(
          'Forbidden',
          `This server does not answer to that host name. ${allowOption === undefined ? 'Ask it by localhost.' : `Its operator allows one with ${allowOption}.`}`,
        );
      if (method === 'GET' || method === 'HEAD') return;
      const { origin } = headers;
      if (headers['sec-fetch-site'] === 'cross-site' || (origin !== undefined && !isSame(origin, headers.host ?? '')))
        throw new HttpError('Forbidden', 'Pages of other sites may not ask this server.');
    },
    checkToken: (headers) => {
      if (!mayAsk(headers))
        throw new HttpError('Unauthorized', 'A token is needed: send it as `Authorization: Bearer <token>`.');
    },
    mayAsk,
    needsToken: wanted !== null,
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

const parse = (url: string) => (URL.canParse(url) ? new URL(url) : null);

/** The host name in a URL, without brackets; null where it has none. */
const nameOf = (url: string): string | null => parse(url)?.hostname.replace(/^\[|\]$/g, '') || null;

/** Whether a page's origin is the server that the request names, port included. */
function isSame(origin: string, host: string): boolean {
  const page = parse(origin);
  return page !== null && page.host === parse(`${page.protocol}//${host}`)?.host;
}
