import { subscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import type { Random } from '../engine/random.ts';
import { type Target, Violation } from '../engine/target.ts';

const newline = '\r\n';

/** A request as it comes over a connection. */
export function requestOf(
  line: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string = '',
): Buffer {
  const content = Buffer.from(body as Uint8Array);
  const own = Object.entries({
    host: '127.0.0.1',
    ...headers,
    ...(content.length > 0 ? { 'content-length': String(content.length) } : {}),
  });
  return Buffer.concat([
    Buffer.from(
      [`${line} HTTP/1.1`, ...own.map(([name, value]) => `${name}: ${value}`), '', ''].join(newline),
      'latin1',
    ),
    content,
  ]);
}

/** Makes the length that a request announces that of its body, so that what is behind the headers is read. */
export function withLength(input: Uint8Array, _: Random): Uint8Array {
  const text = Buffer.from(input).toString('latin1');
  const end = text.indexOf(`${newline}${newline}`);
  if (end < 0) return input;
  const body = text.slice(end + 4);
  const head = text.slice(0, end).replace(/^content-length:.*$/im, `content-length: ${body.length}`);
  return Buffer.from(`${head}${newline}${newline}${body}`, 'latin1');
}

/** A connection must be answered, or closed, in this time. */
const longestMs = 10_000;
/** How long a request that has begun may be worked on before its connection is half closed. It may as well wait for its body. */
const workMs = 40;
const quietMs = 3;

/** Requests that the servers of this process have begun, and those that they have answered. */
const requests = { begun: 0, done: 0 };
subscribe('http.server.request.start', () => void requests.begun++);
subscribe('http.server.response.finish', () => void requests.done++);

/**
 * Sends bytes to a server of this process. Once it has nothing to do for them, or waits for more, the sending half is closed.
 *
 * @returns all that it answers
 */
export function exchange(port: number, input: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let answer = '';
    const since = performance.now();
    let changed = { at: since, begun: requests.begun, done: requests.done };
    const timer = setInterval(() => {
      const now = performance.now();
      const { begun, done } = requests;
      if (begun !== changed.begun || done !== changed.done) changed = { at: now, begun, done };
      if (now - changed.at > (begun > done ? workMs : quietMs)) socket.end();
      if (now - since < longestMs) return;
      socket.destroy();
      reject(new Violation('a connection that is neither answered nor closed'));
    }, 1);
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      answer += piece;
    });
    // What the server closes while it is still written to.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      // A request whose client has left is never answered.
      requests.done = requests.begun;
      resolve(answer);
    });
    socket.write(input);
  });
}

/** What an answer to one or more requests says, in words. @throws Violation for a status of 500 or above, and for what is no answer */
export function saidIn(answer: string): string {
  if (answer === '') return 'no answer';
  if (!/^HTTP\/1\.1 [1-5]\d\d /.test(answer)) throw new Violation(`an answer that is none: ${answer.slice(0, 60)}`);
  const answers = answer.split(/^(?=HTTP\/1\.1 [1-5]\d\d )/m);
  for (const each of answers)
    if (/^HTTP\/1\.1 5/.test(each))
      throw new Violation(
        `${each.slice(9, 40)}: ${each.slice(each.indexOf(`${newline}${newline}`) + 4).slice(0, 200)}`,
      );
  return answers
    .slice(0, 3)
    .map((each) => `${each.slice(13, each.indexOf(newline))} ${/"message":"((?:[^"\\]|\\.)*)"/.exec(each)?.[1] ?? ''}`)
    .join(' / ');
}

const words = [
  ...[
    'GET ',
    'POST ',
    'HEAD ',
    'OPTIONS ',
    'PUT ',
    'CONNECT ',
    'TRACE ',
    '\r\n',
    '\n',
    '\r\n\r\n',
    ': ',
    ' HTTP/1.0',
    ' HTTP/2.0',
  ],
  ...[
    'host: evil.example',
    'host: 127.0.0.1',
    'content-length: 0',
    'content-length: -1',
    'content-length: 1e3',
    'transfer-encoding: chunked',
  ],
  ...[
    'transfer-encoding: gzip, chunked',
    'expect: 100-continue',
    'connection: upgrade',
    'upgrade: websocket',
    'content-encoding: gzip',
  ],
  ...[
    'content-type: application/json',
    'content-type: image/png',
    'content-type: multipart/form-data',
    'origin: null',
    'authorization: Bearer x',
  ],
  ...[
    'sec-fetch-site: cross-site',
    'x-forwarded-for: 1.1.1.1',
    'if-none-match: *',
    'range: bytes=0-',
    'accept-encoding: br',
    '%',
    '%00',
    '%ff',
  ],
  ...[
    '//',
    '/..',
    '?k=5',
    '?k=',
    '?k=-1',
    '?k=1e9',
    '&k=2',
    '?__proto__=1',
    '#',
    '\0',
    '0\r\n\r\n',
    'ffffffff\r\n',
    '5;ext=1\r\nhello\r\n',
  ],
];
const ownBody = (input: Uint8Array) => {
  const at = Buffer.from(input).indexOf(`${newline}${newline}`);
  return at < 0 ? null : at + 4;
};

/** Requests to a server of a model that was really trained, over connections. */
export const serve: Target = {
  name: 'serve',
  reads: 'HTTP requests to `contrail serve`',
  form: 'text',
  tokens: [
    ...words,
    '/v1/embed',
    '/v1/similar',
    '/v1/predict',
    '/v1/models',
    '/v1/pictures/',
    '/metrics',
    '{"images":["',
    '"]}',
    '====',
    'AAAA',
  ],
  region: (input) => {
    const from = ownBody(input);
    // Half of the changes are made in the headers.
    return from === null || input.length % 2 === 0
      ? { from: 0, to: from ?? input.length, form: 'text' }
      : { from, to: input.length, form: 'json' };
  },
  repair: withLength,
  mostBytes: 16 * 2 ** 10,
  open: async ({ folder }) => {
    const { trainerEnvironment } = await import('../../../native/paths.ts');
    const { serveModel } = await import('../../../serving/http/index.ts');
    const { makeModelStore } = await import('../../serving/http/make-model-store.ts');
    const models = await makeModelStore(folder);
    const trained = await models.train(1);
    await models.promote(trained);
    let failure: string | null = null;
    const serving = await serveModel({
      ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
      ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
      ...{ environment: trainerEnvironment(), limits: { arrivalMs: 3000, decodeMs: 1000 } },
      log: (line) => {
        failure ??= /failed: /.test(line) ? line : null;
      },
    });
    const [photo] = models.photos as [Buffer, ...Buffer[]];
    const json = (count: number) => JSON.stringify({ images: new Array(count).fill(photo.toString('base64')) });
    const picture = `/v1/pictures/${trained.index.digest}/3`;
    const asJson = { 'content-type': 'application/json' };
    return {
      seeds: [
        requestOf('POST /v1/embed', { 'content-type': 'image/png' }, photo),
        requestOf('POST /v1/similar?k=5', { 'content-type': 'application/octet-stream' }, photo),
        requestOf('POST /v1/predict?k=3', asJson, json(2)),
        requestOf('POST /v1/embed', asJson, json(1)),
        ...['/', '/healthz', '/readyz', '/metrics', '/v1/models', '/openapi.json', picture, '/nowhere?x=1'].map(
          (path) => requestOf(`GET ${path}`, { accept: '*/*', 'if-none-match': '"x"' }),
        ),
        Buffer.concat([
          requestOf('GET /healthz', {}),
          requestOf('POST /v1/embed', { 'content-type': 'image/png' }, photo),
        ]),
        Buffer.from(
          'POST /v1/embed HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"ima\r\n8\r\nges":[]}\r\n0\r\n\r\n',
        ),
        requestOf('OPTIONS /v1/embed', { origin: 'http://127.0.0.1', 'access-control-request-method': 'POST' }),
      ],
      run: async (input) => {
        failure = null;
        const said = saidIn(await exchange(serving.port, input));
        if (failure !== null) throw new Violation(failure);
        return said;
      },
      close: serving.close,
    };
  },
};

/** Requests of Temporal's UI to the server that decrypts for it, over connections. */
export const codecServer: Target = {
  name: 'codec-server',
  reads: 'HTTP requests to `contrail codec-server`',
  form: 'text',
  tokens: [
    ...words,
    '/decode',
    '/encode',
    '{"payloads":[',
    '"metadata":{',
    '"data":"',
    'encoding',
    'YmluYXJ5L2VuY3J5cHRlZA==',
    'x-namespace: n',
  ],
  region: (input) => {
    const from = ownBody(input);
    return from === null ? null : { from, to: input.length, form: 'json' };
  },
  repair: withLength,
  mostBytes: 16 * 2 ** 10,
  open: async () => {
    const { createSecretKey } = await import('node:crypto');
    const { startCodecServer } = await import('../../../cli/codec-server.ts');
    const { payloadCodec } = await import('../../../payloads/index.ts');
    const keys = { current: 'k', byId: new Map([['k', createSecretKey(Buffer.alloc(32, 7))]]) };
    const plain = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"a":[1,2,3]}') };
    const [sealed] = await payloadCodec(keys).encode([plain], { type: 'workflow', namespace: 'n', workflowId: 'w' });
    const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
    const asJson = ({
      metadata,
      data,
    }: {
      metadata?: Record<string, Uint8Array> | null;
      data?: Uint8Array | null;
    }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])),
      data: base64(data),
    });
    const server = await startCodecServer({ keys, port: 0, origins: ['http://localhost:8233'], token: null });
    const headers = { 'content-type': 'application/json', 'x-namespace': 'n', origin: 'http://localhost:8233' };
    const body = (...payloads: readonly object[]) => JSON.stringify({ payloads });
    return {
      seeds: [
        requestOf('POST /decode', headers, body(asJson(sealed ?? {}), asJson(plain))),
        requestOf('POST /decode', { 'content-type': 'application/json' }, body(asJson(plain), {})),
        requestOf('POST /encode', headers, body(asJson(plain))),
        requestOf('OPTIONS /decode', { origin: 'http://localhost:8233', 'access-control-request-method': 'POST' }),
        requestOf('GET /decode', headers),
      ],
      run: async (input) => saidIn(await exchange(server.port, input)),
      close: server.close,
    };
  },
};
