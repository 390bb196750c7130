import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../../worker/metrics/endpoint.ts';

const here: EndpointOptions = { host: '127.0.0.1', port: 0, token: null, allowedHosts: [] };
const answers = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n', notReady: () => null };
const open: Endpoint[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Asks as a client that says where it means to be. */
async function asking(options: Partial<EndpointOptions> = {}, more: Partial<typeof answers> | object = {}) {
  const endpoint = await startEndpoint({ ...here, ...options }, { ...answers, ...more });
  open.push(endpoint);
  return (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      const asked = request({ ...{ host: '127.0.0.1', port: endpoint.port, path, method, headers } }, (answer) => {
        let text = '';
        answer.on('data', (data) => {
          text += String(data);
        });
        answer.on('end', () => resolve(`${answer.statusCode} ${text}`));
      });
      asked.on('error', reject);
      asked.end();
    });
}

describe('the endpoint of metrics', () => {
  it('answers those who name this machine', async () => {
    const ask = await asking();
    expect(await ask('/metrics')).toBe('200 up 1\n');
    expect(await ask('/metrics', { host: 'localhost:9464' })).toBe('200 up 1\n');
    expect(await ask('/nothing')).toMatch(/^404 .*\/metrics, \/healthz and \/readyz/);
    expect(await ask('/metrics', {}, 'POST')).toMatch(/^404/);
  });

  it('refuses a page whose name leads here, also at another address', async () => {
    const ask = await asking();
    for (const path of ['/metrics', '/healthz', '/readyz'])
      expect(await ask(path, { host: 'evil.example' }), path).toMatch(/^403 .*does not answer to that host name/);
    const open = await asking({ host: '0.0.0.0', allowedHosts: ['worker-1'] });
    expect(await open('/metrics', { host: 'worker-1:9464' })).toBe('200 up 1\n');
    expect(await open('/metrics', { host: 'evil.example' })).toMatch(/^403/);
  });

  it('asks for a token where it has one, but not for whether it lives', async () => {
    const ask = await asking({ token: 'a-token-of-sixteen' });
    expect(await ask('/metrics')).toMatch(/^401/);
    expect(await ask('/metrics', { authorization: 'Bearer a-token-of-sixteeN' })).toMatch(/^401/);
    expect(await ask('/metrics', { authorization: 'Bearer a-token-of-sixteen' })).toBe('200 up 1\n');
    expect(await ask('/healthz')).toBe('200 {"status":"ok"}');
    expect(await ask('/readyz')).toBe('200 {"ready":true,"reason":null}');
  });

  it('says with 503 that the worker takes no work', async () => {
    const ask = await asking({}, { notReady: () => 'The worker is starting.' });
    expect(await ask('/readyz')).toBe('503 {"ready":false,"reason":"The worker is starting."}');
    expect(await ask('/healthz')).toMatch(/^200/);
  });

  it('tells nobody what went wrong inside', async () => {
    const ask = await asking({}, { text: () => Promise.reject(new Error('/home/someone/secret')) });
    expect(await ask('/metrics')).toMatch(/^500 .*Something went wrong in the worker/);
    expect(await ask('/metrics')).not.toContain('secret');
  });
});
