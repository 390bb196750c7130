import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below are ports that well-known servers have. */
const lowest = 10_000;
const tries = 20;

/**
 * A port of an address that nobody uses now: the one that is asked for, or any for 0; null where there is none.
 *
 * Any is one that the system gives to no outgoing connection. A server that starts again would find such a port taken now and then.
 */
export async function freePortOf(host: string, port = 0): Promise<number | null> {
  const end = firstOfConnections();
  if (port === 0 && end > lowest)
    for (let tried = 0; tried < tries; tried++) {
      const found = await takenAndLeft(host, randomInt(lowest, end));
      if (found !== null) return found;
    }
  return takenAndLeft(host, port);
}

const takenAndLeft = (host: string, port: number): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });

/** The first port that the system gives to outgoing connections; 0 where it does not say. */
function firstOfConnections(): number {
  try {
    return Number(/^\d+/.exec(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))?.[0] ?? 0);
  } catch {
    // Another system, or one that hides it: any port will do.
    return 0;
  }
}
