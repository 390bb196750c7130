import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { s3Environment, s3ServerKind } from './environment.ts';
import { freePort, startProgram } from './start-program.ts';

/** A real S3 server of the tests' own, with one bucket. */
export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  /** The URL of an empty store. Its copies of files lie in a folder of this name. */
  readonly storeUrl: (name: string) => string;
  readonly stop: () => Promise<void>;
}

/** What the SDK, and processes that it runs in, are told. The server checks no key. */
export const s3Variables = (endpoint: string) => ({
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});

export const bucket = 'contrail-tests';
/** Of what it said last, to explain why it did not start. */
const mostSaid = 10_000;

/**
 * Why there is no server; null where there is one. A test file that needs one skips what it has with this reason, and says so where a
 * person looks.
 */
export async function whyNoS3Server(): Promise<string | null> {
  if (await s3Environment()) return null;
  const reason = 'the S3 server is not set up: `npm test` does it, or `node native/run.mjs test/s3/make.ts`';
  process.stderr.write(`\n!! Skipped: ${reason}\n`);
  return reason;
}

/** Starts a server on this machine, and points the SDK in this process at it. */
export async function startS3Server(host = '127.0.0.1'): Promise<S3Server> {
  const python = await s3Environment();
  if (!python) throw new Error('the S3 server is not set up');
  const port = await freePort(host);
  const endpoint = `http://${host}:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'contrail-s3-'));
  const child = await startProgram[s3ServerKind]({ python, host, port, folder });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-mostSaid);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries === 600) throw new Error(`the S3 server did not start: ${said}`);
    const made = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' }).catch(() => null);
    if (made?.ok) break;
    await sleep(100);
  }
  Object.assign(process.env, s3Variables(endpoint));
  return {
    endpoint,
    port,
    storeUrl: (name) =>
      `s3://${bucket}/${name}?path-style=true&cache=${encodeURIComponent(join(folder, 'copies', name))}`,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
