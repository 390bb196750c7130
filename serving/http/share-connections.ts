import { BlockList, isIP, type Server, type Socket } from 'node:net';
import { clientOf, plainAddress } from './client.ts';
import { createShares } from './shares.ts';

/**
 * Keeps one client from taking all connections: beyond its share its next is closed at once. Proxies that are trusted bring those of
 * many clients, and are left alone.
 *
 * @param trustedProxies addresses and networks
 */
export function shareConnections(server: Server, most: number, trustedProxies: readonly string[]): void {
  const shares = createShares();
  const trusted = networks(trustedProxies);
  server.on('connection', (socket: Socket) => {
    if (socket.remoteAddress === undefined) return;
    const address = plainAddress(socket.remoteAddress);
    if (trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return;
    const client = clientOf(address);
    if (shares.has(client) >= shares.of(client, most)) return void socket.destroy();
    const leave = shares.take(client, 1);
    socket.once('close', leave);
  });
}

function networks(given: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of given) {
    const [address = '', bits] = each.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
