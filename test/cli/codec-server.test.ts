import { request } from 'node:http';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CodecServer, startCodecServer } from '../../cli/codec-server.ts';
import { payloadCodec, payloadKeys } from '../../payloads/index.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const keysOf = (text: string) => payloadKeys({ CONTRAIL_PAYLOAD_KEYS: text }) ?? expect.fail('keys');
const keys = keysOf(`k1:${key(1)}`);
const ui = 'http://localhost:8233';
const token = 'a'.repeat(32);
let open: CodecServer;
let guarded: CodecServer;
beforeAll(async () => {
  open = await startCodecServer({ keys, port: 0, origins: [ui], token: null });
  guarded = await startCodecServer({ keys, port: 0, origins: [ui], token });
});
afterAll(async () => {
  await open.close();
  await guarded.close();
});

interface Asked {
  readonly server?: CodecServer;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}
interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly message?: string; readonly payloads?: readonly unknown[] };
}

const ask = ({ server = open, method = 'POST', path = '/decode', headers = {}, body }: Asked): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, method, path };
    const asking = request(
      { ...options, headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers } },
      (answer) => {
        let text = '';
        answer.on('data', (data) => {
          text += data;
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text || '{}') }),
        );
      },
    );
    asking.on('error', reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });

const toJson = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
const place = { type: 'workflow', namespace: 'shop', workflowId: 'shirts-1' } as const;
const plain = defaultPayloadConverter.toPayload({ epochs: 10 });
const sealed = async (by = keys) => (await payloadCodec(by).encode([plain], place)).map(toJson);

describe('the codec server', () => {
  it('decrypts what it has the key of, and leaves the rest as it is', async () => {
    const payloads = [...(await sealed()), toJson(plain)];
    const { status, body } = await ask({ body: { payloads } });
    expect(status).toBe(200);
    expect(body).toEqual({ payloads: [toJson(plain), toJson(plain)] });
  });

  it('says which key is missing, and that a payload is of another namespace', async () => {
    const missing = await ask({ body: { payloads: await sealed(keysOf(`k2:${key(2)}`)) } });
    expect([missing.status, missing.body.message]).toEqual([
      422,
      'What Temporal holds is encrypted with the key k2, and CONTRAIL_PAYLOAD_KEYS has k1. Add that key behind the first.',
    ]);
    const moved = await ask({ headers: { 'x-namespace': 'other' }, body: { payloads: await sealed() } });
    expect([moved.status, moved.body.message]).toEqual([422, expect.stringContaining('was moved by somebody')]);
    expect((await ask({ headers: { 'x-namespace': 'shop' }, body: { payloads: await sealed() } })).status).toBe(200);
  });

  it('decrypts the memo of a schedule, which Temporal says no place for, also where the UI names a namespace', async () => {
    const [memo] = await payloadCodec(keysOf(`k1:${key(1)}`)).encode([plain], undefined);
    if (!memo) throw new Error('nothing was encrypted');
    const asked = { headers: { 'x-namespace': 'shop' }, body: { payloads: [...(await sealed()), toJson(memo)] } };
    expect(await ask(asked)).toMatchObject({ status: 200, body: { payloads: [toJson(plain), toJson(plain)] } });
  });

  it("answers a page of Temporal's UI, and its question before", async () => {
    const before = await ask({
      method: 'OPTIONS',
      headers: {
        origin: ui,
        'access-control-request-method': 'POST',
        'access-control-request-private-network': 'true',
      },
    });
    expect(before.status).toBe(204);
    expect(before.headers).toMatchObject({
      'access-control-allow-origin': ui,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      'access-control-allow-private-network': 'true',
      vary: 'Origin',
    });
    const { status, headers } = await ask({ headers: { origin: ui }, body: { payloads: await sealed() } });
    expect([status, headers['access-control-allow-origin']]).toEqual([200, ui]);
  });

  it.each([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page of another port', { origin: 'http://localhost:8234' }],
    ['a page without an origin', { origin: 'null' }],
    ['a browser that says no origin', { 'sec-fetch-site': 'cross-site' }],
    ['a name that leads here (DNS rebinding)', { host: 'evil.example' }],
  ])('gives nothing to %s', async (_, headers) => {
    for (const method of ['POST', 'OPTIONS']) {
      const body = method === 'POST' ? { payloads: await sealed() } : undefined;
      const answer = await ask({ method, headers, body });
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('demands its token, but not with the question before', async () => {
    const body = { payloads: await sealed() };
    const wrong = { authorization: `Bearer ${'b'.repeat(32)}` };
    for (const headers of [{}, wrong]) {
      const refused = await ask({ server: guarded, headers, body });
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    }
    expect((await ask({ server: guarded, method: 'OPTIONS', headers: { origin: ui } })).status).toBe(204);
    expect((await ask({ server: guarded, headers: { authorization: `Bearer ${token}` }, body })).status).toBe(200);
  });

  it.each([
    ['no payloads', { payload: [] }, 400],
    ['bytes that are not base64', { payloads: [{ data: '?' }] }, 400],
    ['more payloads than a page has', { payloads: Array.from({ length: 10_001 }, () => ({})) }, 400],
  ])('refuses %s', async (_, body, status) => {
    const answer = await ask({ body });
    expect([answer.status, typeof answer.body.message]).toEqual([status, 'string']);
  });

  it.each([
    ['payloads', { payloads: Array.from({ length: 10_000 }, () => ({ data: '?' })) }, 'payloads.0.data'],
    [
      'entries',
      { payloads: [{ metadata: Object.fromEntries(Array.from({ length: 500_000 }, (_, at) => [`n${at}`, '?'])) }] },
      'payloads.0.metadata: has more than 64 entries',
    ],
    [
      'bytes',
      { payloads: [{}, { metadata: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`n${at}`, '?'])) }] },
      'payloads.1.metadata.n0',
    ],
  ])('says the first thing that is wrong, however many %s are', async (_, body, first) => {
    const answer = await ask({ body });
    expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining(first)]);
    expect(answer.body.message?.length).toBeLessThan(400);
  });

  it('encrypts nothing', async () => {
    const answer = await ask({ path: '/encode', body: { payloads: [toJson(plain)] } });
    expect([answer.status, answer.body.message]).toEqual([404, expect.stringContaining('only decrypts')]);
  });
});
