import dns from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { lasting } from './not-fetched.ts';

/** One request, without following redirects. */
export type Request = (
  url: URL,
  init: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> },
) => Promise<Response>;

/** IPv4 that is not of the public internet (RFC 6890 and the registries that it began). */
const reserved = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  reserved.addSubnet(net, bits, 'ipv4');
/** Of IPv6 only what is given out at all is public, but for documentation, and tunnels, which lead to IPv4. */
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const reserved6 = new BlockList();
reserved6.addSubnet('2001::', 23, 'ipv6');
reserved6.addSubnet('2001:db8::', 32, 'ipv6');
reserved6.addSubnet('2002::', 16, 'ipv6');
reserved6.addSubnet('3fff::', 20, 'ipv6');

/** Whether an address is one of the public internet: not this machine, not its network, nothing that is reserved. */
export function isPublicAddress(given: string): boolean {
  const [address = ''] = given.split('%');
  const family = isIP(address);
  if (family === 4) return !reserved.check(address, 'ipv4');
  return family === 6 && global6.check(address, 'ipv6') && !reserved6.check(address, 'ipv6');
}

/**
 * Requests that reach the public internet alone. The address that a name stands for is checked where the connection is made, so a
 * name cannot stand for one address when it is checked and for another afterwards; each redirect is a request of its own.
 *
 * @param isAllowed which addresses may be reached
 */
export function publicRequest(isAllowed: (address: string) => boolean = isPublicAddress): Request {
  const lookup: LookupFunction = (host, options, found) => {
    dns.lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return found(error, '', 0);
      const refused = addresses.find(({ address }) => !isAllowed(address));
      const [first] = addresses;
      if (refused || !first) return found(notPublic(), '', 0);
      if (options.all) found(null, addresses);
      else found(null, first.address, first.family);
    });
  };
  return async (url, { signal, headers }) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    // A literal address is not looked up.
    if (isIP(host) !== 0 && !isAllowed(host)) throw notPublic();
    const start = url.protocol === 'https:' ? requestSecure : requestPlain;
    const response = await answerOf(start(url, { lookup, signal, headers, agent: false }));
    const { statusCode = 502, headers: given } = response;
    const { location, 'content-length': length } = given;
    // A Response takes no body with these.
    const hasBody = statusCode >= 200 && ![204, 205, 304].includes(statusCode);
    if (!hasBody) response.resume();
    return new Response(hasBody ? (Readable.toWeb(response) as ReadableStream<Uint8Array>) : null, {
      status: statusCode,
      headers: {
        ...(location === undefined ? {} : { location }),
        ...(length === undefined ? {} : { 'content-length': length }),
      },
    });
  };
}

const notPublic = () =>
  lasting('is at an address of this machine or its network, where nothing is fetched from: fetch it yourself');

const answerOf = (request: ClientRequest) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
    request.end();
  });
