import { isIP, isIPv6, SocketAddress } from 'node:net';

/**
 * What stands for a client: its address, of IPv6 the network of 64 bits, of which one client has every address.
 *
 * @param address as Node, or a proxy, gives it: some proxies add the port, and any way to write an address is the same address
 */
export function clientOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain.slice(0, longestName);
  return `${groupsOf(plain).slice(0, 4).join(':')}::/64`;
}

/** An address in one way of writing, without port and zone, as IPv4 where that is what it stands for. What is none stays as it is. */
export function plainAddress(given: string): string {
  const address = withoutPort(given.trim()).replace(/%.*$/, '');
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (!isMapped) return new SocketAddress({ address, family: 'ipv6' }).address;
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}

const longestName = 64;

function withoutPort(address: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? [];
  if (inBrackets !== undefined) return inBrackets;
  const [, before = ''] = /^([^:]*):\d+$/.exec(address) ?? [];
  return isIP(before) === 4 ? before : address;
}

/** The eight groups of an IPv6 address, in hexadecimal without leading zeros. */
function groupsOf(address: string): readonly string[] {
  // A URL writes the end of an address as groups where it is given as IPv4.
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = written.split('::');
  const before = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...before, ...new Array<string>(8 - before.length - behind.length).fill('0'), ...behind];
}
