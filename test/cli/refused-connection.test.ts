import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../../cli/refused-connection.ts';
import { hostAndPort, temporalSettings } from '../../cli/temporal-settings.ts';
import { usualCertificates } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'contrail-tls-'));
const at = (name: string) => join(folder, name);
const listening: Server[] = [];

beforeAll(() => void usualCertificates(folder));
afterAll(() => {
  for (const server of listening) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The port of a server that was started. */
async function portOf(server: Server): Promise<number> {
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
const secure = (name: string, options: TlsOptions = {}) =>
  portOf(
    createTlsServer(
      {
        key: readFileSync(at(`${name}.key`)),
        cert: readFileSync(at(`${name}.pem`)),
        ALPNProtocols: ['h2'],
        ...options,
      },
      (socket) => socket.on('error', () => {}),
    ).on('tlsClientError', () => {}),
  );

/** What a user is told who sets these variables. */
async function told(address: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const signal = AbortSignal.timeout(5000);
  const options = temporalSettings({
    XDG_CONFIG_HOME: folder,
    TEMPORAL_ADDRESS: address,
    ...environment,
  }).connectionOptions;
  const silence = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('nothing was said'))),
  );
  return (await Promise.race([refusal({ ...options, address }, signal), silence])).message;
}
const trusting = () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('ca.pem') });

describe('a connection that does not come about', () => {
  it('is refused by a closed port and an unknown name', async () => {
    expect(await told('127.0.0.1:9')).toContain('No Temporal server answers at 127.0.0.1:9: nothing listens there.');
    expect(await told('[::1]:9')).toMatch(/No Temporal server answers at \[::1\]:9: (nothing listens|there is no way)/);
    expect(await told('no-such-host.invalid:7233')).toContain('the name no-such-host.invalid is not known');
  });

  it('is that of a server whose issuer is unknown', async () => {
    const port = await secure('server');
    const unknown = "the issuer of the server's certificate is unknown here. TEMPORAL_TLS_SERVER_CA_CERT_PATH";
    expect(await told(`localhost:${port}`, { TEMPORAL_TLS: 'true' })).toContain(unknown);
    expect(await told(`localhost:${port}`, { TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('stranger.pem') })).toMatch(
      /unknown here.* \(TLS says: .+, UNABLE_TO_\w+\)/,
    );
  });

  it('is that of a certificate for another host, or of yesterday', async () => {
    expect(await told(`127.0.0.1:${await secure('server')}`, trusting())).toContain('is for another host name');
    const elsewhere = { ...trusting(), TEMPORAL_TLS_SERVER_NAME: 'other.example' };
    expect(await told(`localhost:${await secure('server')}`, elsewhere)).toContain(
      'set TEMPORAL_TLS_SERVER_NAME to it',
    );
    expect(await told(`localhost:${await secure('old')}`, trusting())).toContain('has expired');
  });

  it('is that of a client without a certificate, or with one that the server does not know', async () => {
    const port = await secure('server', {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(at('ca.pem')),
    });
    expect(await told(`localhost:${port}`, trusting())).toContain('asks for a client certificate');
    const withKey = (certificate: string, key: string) => ({
      ...trusting(),
      TEMPORAL_TLS_CLIENT_CERT_PATH: at(`${certificate}.pem`),
      TEMPORAL_TLS_CLIENT_KEY_PATH: at(`${key}.key`),
    });
    expect(await told(`localhost:${port}`, withKey('unknown', 'unknown'))).toMatch(/client certificate/);
  });

  it('is that of TLS spoken to a server in clear, and in clear to a server of TLS', async () => {
    const plain = await portOf(
      createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end('HTTP/1.1 400\r\n\r\n'))),
    );
    expect(await told(`localhost:${plain}`, { TEMPORAL_TLS: 'true' })).toContain('does not speak TLS');
    expect(await told(`localhost:${plain}`)).toContain('is no Temporal server');
    const port = await secure('server');
    expect(await told(`localhost:${port}`)).toContain(
      `The server at localhost:${port} speaks TLS, and was asked in clear.`,
    );
  });
});

it('an address is a name or a number, with a port or without', () => {
  expect(hostAndPort('temporal.example')).toEqual({ host: 'temporal.example', port: 7233 });
  expect(hostAndPort('[2001:db8::1]:9000')).toEqual({ host: '2001:db8::1', port: 9000 });
});
