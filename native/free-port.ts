import { createServer } from 'node:net';

/** A port of an address that nobody uses now: the one that is asked for, or any for 0; null where there is none. */
export const freePortOf = (host: string, port = 0): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });
