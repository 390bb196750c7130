import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readyAnswerSchema } from '../../../contracts/serving.ts';
import { documentedCommands } from './documented.ts';
import { type ModelStore, modelStore } from './model-store.ts';
import { slowly } from './slowly.ts';

/** The command itself: what it refuses to do, who may ask, and how it ends. */
const cli = fileURLToPath(new URL('../../../cli/contrail.mjs', import.meta.url));
const token = 'a-token-that-nobody-guesses';
let models: ModelStore;
const running: ChildProcess[] = [];

beforeAll(async () => {
  models = await modelStore();
  await models.promote(await models.train(1));
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const environment = (more: object = {}) => ({
  ...process.env,
  ...{ CONTRAIL_HOME: models.storeUrl, CONTRAIL_STORE: models.storeUrl, NO_COLOR: '1' },
  ...more,
});
const refused = (args: readonly string[], more: object = {}) => {
  const { status, stderr } = spawnSync(process.execPath, [cli, 'serve', ...args], {
    ...{ encoding: 'utf8', env: environment(more) },
  });
  return `${status} ${stderr.trim()}`;
};

/** A server that runs, and where. */
async function start(args: readonly string[], more: object = {}) {
  const child = spawn(process.execPath, [cli, 'serve', '--model', 'gratings', '--port', '0', ...args], {
    ...{ env: environment(more), stdio: ['ignore', 'ignore', 'pipe'] },
  });
  running.push(child);
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.on('exit', () => reject(new Error(said.join('\n'))));
    createInterface({ input: child.stderr as NonNullable<typeof child.stderr> }).on('line', (line) => {
      said.push(line);
      const [, found] = /answers at (\S+)/.exec(line) ?? [];
      if (found) resolve(found);
    });
  });
  return { child, said, url };
}

describe('contrail serve', () => {
  it('refuses what cannot be meant', () => {
    expect(refused([])).toBe('2 error Name what to serve: either a run, or a model with --model.');
    expect(refused(['--model', 'shirts', '--port', '0'])).toMatch(
      /^2 .*error There is no model shirts\. There is: gratings\./s,
    );
    expect(refused(['nothing', '--port', '0'])).toMatch(/^2 .*error There is no run nothing/s);
    expect(refused(['--model', 'gratings', '--tls-cert', 'x'])).toBe('2 error --tls-cert and --tls-key go together.');
    expect(refused(['--model', 'gratings', '--tls-cert', '/no', '--tls-key', '/no'])).toMatch(
      /^2 error The file of --tls-cert/,
    );
  });

  it('refuses to be reached from other machines without a token, or with one that is soon guessed', () => {
    const open = ['--model', 'gratings', '--host', '0.0.0.0'];
    expect(refused(open)).toMatch(
      /^2 error 0\.0\.0\.0 can be reached from other machines, so a token is needed\. Set CONTRAIL_SERVE_TOKEN/,
    );
    expect(refused(open, { CONTRAIL_SERVE_TOKEN: 'short' })).toMatch(
      /^2 error CONTRAIL_SERVE_TOKEN must have at least 16/,
    );
  });

  it('says so where its port is taken', async () => {
    const { url } = await start([]);
    expect(refused(['--model', 'gratings', '--port', new URL(url).port])).toMatch(
      /^2 .*error Port \d+ of 127\.0\.0\.1 is taken/s,
    );
  });

  it('asks for the token everywhere but for health, readiness, the page and its document', async () => {
    const { url, said } = await start(['--host', '0.0.0.0'], { CONTRAIL_SERVE_TOKEN: token });
    const here = url.replace('0.0.0.0', '127.0.0.1');
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(`${here}${path}`, { headers })).status;
    for (const path of ['/healthz', '/readyz', '/', '/page.js', '/openapi.json'])
      expect(await status(path), path).toBe(200);
    for (const path of ['/v1/models', '/metrics', '/v1/pictures/x/0']) {
      expect(await status(path), path).toBe(401);
      expect(await status(path, { authorization: `Bearer ${token}x` }), path).toBe(401);
      expect([200, 404], path).toContain(await status(path, { authorization: `Bearer ${token}` }));
    }
    const ready = async (headers: Record<string, string> = {}) =>
      readyAnswerSchema.parse(await (await fetch(`${here}/readyz`, { headers })).json());
    expect(await ready()).toEqual({ ready: true, reason: null });
    expect(await ready({ authorization: `Bearer ${token}` })).toMatchObject({ model: 'gratings', version: 1 });
    const [documented] = documentedCommands().filter((line) => line.includes('authorization'));
    const command = documented?.replace('https://photos.example:8484', here) ?? '';
    if (spawnSync('curl', ['--version']).status === 0)
      expect(
        spawnSync('sh', ['-c', command], { env: environment({ CONTRAIL_SERVE_TOKEN: token }) }).stdout.toString(),
      ).toContain('"model":"gratings"');
    const refusedPhoto = await fetch(`${here}/v1/embed`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'image/png' },
    });
    expect(refusedPhoto.status).toBe(401);
    expect(refusedPhoto.headers.get('www-authenticate')).toBe('Bearer');
    expect(said.join('\n')).toContain('Without --tls-cert and --tls-key');
    expect(said.join('\n')).not.toContain(token);
  });

  it('speaks TLS with the certificate that it is given', async () => {
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(models.storeUrl, name)) as [string, string];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    const { url } = await start(['--tls-cert', cert, '--tls-key', key]);
    expect(url).toMatch(/^https:/);
    const agent = new Agent({ ca: readFileSync(cert) });
    const status = await new Promise((resolve, reject) => {
      request(`${url}/readyz`, { agent }, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await writeFile(key, 'no key');
    expect(refused(['--model', 'gratings', '--port', '0', '--tls-cert', cert, '--tls-key', key])).toMatch(
      /^2 error --tls-cert and --tls-key cannot be used together/,
    );
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('on %s finishes what is in work and exits with 0', async (signal) => {
    const { child, url, said } = await start([]);
    const asked = Array.from({ length: 5 }, () => slowly(`${url}/v1/predict`, models.photos[0] as Buffer));
    await vi.waitFor(async () =>
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('contrail_requests_in_flight 5'),
    );
    const ended = once(child, 'exit');
    child.kill(signal);
    await vi.waitFor(() => expect(said).toContain('Stopping: no new connections; requests in work finish.'));
    await vi.waitFor(() => expect(fetch(`${url}/readyz`)).rejects.toThrow(), 20_000);
    expect(await Promise.all(asked.map(({ finish }) => finish()))).toEqual([200, 200, 200, 200, 200]);
    expect(await ended).toEqual([0, null]);
  });
});
