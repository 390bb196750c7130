import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, serverOf } from '../../cli/connection.ts';
import { isContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../home/home.ts';
import { usualCertificates } from '../cli/certificates.ts';
import { startServer } from '../workflows/interpreter.ts';
import { runCommand } from './command.ts';
import { apiKeyFront, type Front, plainFront, tlsFront } from './tls-front.ts';

/**
 * Commands and workers against the real server behind TLS. Each connection either comes about as it was asked for, or ends with one
 * sentence; what the front received shows that nothing was ever said in clear where TLS was asked for.
 */
const folder = mkdtempSync(join(tmpdir(), 'contrail-tls-e2e-'));
const home = openHome({ CONTRAIL_HOME: join(folder, 'home') });
const at = (name: string) => join(folder, name);
const pem = (name: string) => ({ key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.pem`)) });
const theirKey = 'sesame-open-0123456789';

let temporal: TestWorkflowEnvironment;
let target: number;
const fronts: Front[] = [];
beforeAll(async () => {
  usualCertificates(folder);
  temporal = await startServer([]);
  target = Number(temporal.address.split(':').at(-1));
}, 180_000);
afterEach(() => {
  for (const front of fronts.splice(0)) front.close();
});
afterAll(async () => {
  await temporal.teardown();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const opened = async (front: Promise<Front>) => {
  const found = await front;
  fronts.push(found);
  return found;
};
const secure = (name: string) => opened(tlsFront(target, pem(name)));
const mutual = () =>
  opened(
    tlsFront(target, { ...pem('server'), requestCert: true, rejectUnauthorized: true, ca: readFileSync(at('ca.pem')) }),
  );

const ca = () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('ca.pem') });
const own = (name: string) => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: at(`${name}.pem`),
  TEMPORAL_TLS_CLIENT_KEY_PATH: at(`${name}.key`),
});

/** What a command is told that reaches the server by these settings: `connected`, or the error's code and words. */
async function outcome(front: Front, settings: NodeJS.ProcessEnv): Promise<string> {
  const all = { TEMPORAL_ADDRESS: `localhost:${front.port}`, XDG_CONFIG_HOME: folder, ...settings };
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
  try {
    const server = await connect(home, await serverOf(home));
    await server.close();
    return 'connected';
  } catch (error) {
    if (!isContrailError(error)) throw error;
    return `${error.code}: ${error.message}`;
  } finally {
    vi.unstubAllEnvs();
  }
}

/** How every TLS connection begins, and how gRPC begins in clear. */
const helloOfTls = '\x16\x03';
const helloInClear = 'PRI * HTTP/2.0';
function expectOnlyTls(front: Front): void {
  expect(front.received().startsWith(helloOfTls)).toBe(true);
  expect(front.received().includes(helloInClear)).toBe(false);
}

describe('with the certificate of the right authority', () => {
  it('a command and a worker connect', async () => {
    const front = await secure('server');
    expect(await outcome(front, ca())).toBe('connected');
    expect(front.passed()).toBeGreaterThan(0);
    const native = await NativeConnection.connect({
      address: `localhost:${front.port}`,
      tls: { serverRootCACertificate: readFileSync(at('ca.pem')) },
    });
    await native.close();
    expectOnlyTls(front);
  });

  it('and a client certificate that the server knows, they connect where it asks for one', async () => {
    const front = await mutual();
    expect(await outcome(front, { ...ca(), ...own('client') })).toBe('connected');
    expectOnlyTls(front);
  });
});

describe('no connection comes about', () => {
  it.each([
    [
      'the issuer is another',
      'server',
      () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('stranger.pem') }),
      "the issuer of the server's certificate is unknown here",
    ],
    [
      'the issuer is unknown',
      'server',
      () => ({ TEMPORAL_TLS: 'true' }),
      "the issuer of the server's certificate is unknown here",
    ],
    ['the certificate has expired', 'old', ca, "the server's certificate has expired"],
    [
      'the certificate is for another name',
      'server',
      () => ({ ...ca(), TEMPORAL_TLS_SERVER_NAME: 'other.example' }),
      "the server's certificate is for another host name",
    ],
  ])('where %s', async (_, certificate, settings, said) => {
    const front = await secure(certificate);
    expect(await outcome(front, settings())).toMatch(
      new RegExp(`^ServerUnreachable: No connection to localhost:${front.port}: ${said}`),
    );
    expect(front.passed()).toBe(0);
    expectOnlyTls(front);
  });

  it.each([
    [
      'no client certificate is shown',
      () => ({}),
      'the server asks for a client certificate. Set TEMPORAL_TLS_CLIENT_CERT_PATH',
    ],
    ['the server does not know that of the client', () => own('unknown'), 'the server refuses the client certificate'],
  ])('where %s', async (_, settings, said) => {
    const front = await mutual();
    expect(await outcome(front, { ...ca(), ...settings() })).toContain(
      `ServerUnreachable: No connection to localhost:${front.port}: ${said}`,
    );
    expect(front.passed()).toBe(0);
    expectOnlyTls(front);
  });

  it('where the server speaks in clear and TLS is asked for', async () => {
    const front = await opened(plainFront(target));
    expect(await outcome(front, ca())).toContain('ServerUnreachable: ');
    expect(await outcome(front, ca())).toContain('the server does not speak TLS');
    expectOnlyTls(front);
  });

  it('where the server speaks TLS and is asked in clear', async () => {
    const front = await secure('server');
    expect(await outcome(front, {})).toBe(
      `ServerUnreachable: The server at localhost:${front.port} speaks TLS, and was asked in clear. Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH to the file of its CA if that is your own.`,
    );
    expect(front.passed()).toBe(0);
  });

  it('for a worker either, which ends with the same sentence', async () => {
    const front = await mutual();
    const { code, stderr } = await runCommand(home, ['worker'], {
      ...ca(),
      TEMPORAL_ADDRESS: `localhost:${front.port}`,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error No connection to localhost:\d+: the server asks for a client certificate\. .*\n$/);
    expectOnlyTls(front);
  });
});

describe('an API key', () => {
  it('lets a command in, over TLS alone', async () => {
    const front = await opened(apiKeyFront(target, pem('server'), theirKey));
    expect(await outcome(front, { ...ca(), TEMPORAL_API_KEY: theirKey })).toBe('connected');
    expect(front.passed()).toBeGreaterThan(0);
    expectOnlyTls(front);
    expect(front.received().includes(theirKey)).toBe(false);
  });

  it.each([
    ['wrong', { TEMPORAL_API_KEY: 'another' }],
    ['missing', {}],
  ])('that is %s is refused in a sentence, which does not quote it', async (_, key) => {
    const front = await opened(apiKeyFront(target, pem('server'), theirKey));
    const said = await outcome(front, { ...ca(), ...key });
    expect(said).toBe(
      `ServerUnreachable: The Temporal server at localhost:${front.port} refuses us: Request unauthorized. TEMPORAL_API_KEY or the client certificate must be of one who may use the namespace that TEMPORAL_NAMESPACE names.`,
    );
    expect(front.passed()).toBe(0);
  });

  it('is never sent in clear to another machine', async () => {
    const front = await opened(plainFront(target));
    expect(
      await outcome(front, {
        TEMPORAL_ADDRESS: 'temporal.example:7233',
        TEMPORAL_API_KEY: theirKey,
        TEMPORAL_TLS: 'false',
      }),
    ).toMatch(/^Usage: The API key would go to temporal\.example:7233 in clear/);
  });
});
