import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePortOf } from '../../native/free-port.ts';

describe('a free port', () => {
  it.skipIf(process.platform !== 'linux')(
    'is none that a connection may take while its server starts again',
    async () => {
      const [first = 0, last = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
        .split(/\s+/)
        .map(Number);
      const ports = await Promise.all(Array.from({ length: 50 }, () => freePortOf('127.0.0.1')));
      expect(ports.filter((port) => port === null || port < 1024 || (port >= first && port <= last))).toEqual([]);
    },
  );

  it('is the one that is asked for, unless it is taken', async () => {
    const port = (await freePortOf('127.0.0.1')) ?? 0;
    expect(await freePortOf('127.0.0.1', port)).toBe(port);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await freePortOf('127.0.0.1', port)).toBeNull();
    await new Promise((resolve) => server.close(resolve));
  });
});
