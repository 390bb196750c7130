/** Photos and connections that are made to hold a server: each is refused by name, and the next client is served. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { errorAnswerSchema } from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type ServeLimits, type Serving, serveModel } from '../../../serving/http/index.ts';
import { certificatesIn } from '../../cli/certificates.ts';
import { type ModelStore, modelStore } from './model-store.ts';

let models: ModelStore;
let serving: Serving;
let url = '';

const start = (limits: Partial<ServeLimits>, tls: { readonly cert: Buffer; readonly key: Buffer } | null = null) =>
  serveModel({
    ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
    ...{ host: '127.0.0.1', port: 0, token: null, tls, allowedHosts: [] },
    ...{ environment: trainerEnvironment(), limits: { batch: 2, ...limits }, log: () => {} },
  });

beforeAll(async () => {
  models = await modelStore();
  await models.promote(await models.train(1));
  serving = await start({ timeoutMs: 120_000, decodeMs: 60_000, arrivalMs: 2000, connections: 40 });
  url = `http://127.0.0.1:${serving.port}`;
});
afterAll(() => serving?.close());

const said = async (body: Buffer, to = url) => {
  const answer = await fetch(`${to}/v1/embed`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/octet-stream' },
  });
  if (answer.status === 200) return '200';
  const { error } = errorAnswerSchema.parse(await answer.json());
  return `${answer.status} ${error.code}: ${error.message}`;
};
const flat = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#456789' } });
const noise = (side: number, pages = 1) =>
  sharp(
    Uint8Array.from({ length: side * side * pages * 3 }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255),
    { raw: { width: side, height: side * pages, channels: 3, ...(pages > 1 ? { pageHeight: side } : {}) } },
  );

/** A GIF of so many frames of one pixel. */
function gifOf(frames: number): Buffer {
  const head = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([64, 0, 64, 0, 0xf7, 0, 0]), Buffer.alloc(768, 9)]);
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0]);
  return Buffer.concat([head, ...new Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])]);
}

describe('a photo', () => {
  it.each([
    ['PNG', () => flat(9000, 6000).png()],
    ['WebP', () => flat(9000, 6000).webp({ lossless: true, effort: 0 })],
  ])('that is small as a file and huge in memory is refused by its header: %s', async (_, make) => {
    expect(await said(await make().toBuffer())).toBe(
      '413 TooLarge: The image has 9000x6000 pixels, more than 50 million: shrink it.',
    );
  });

  it.each([
    ['PNG', () => noise(64).png()],
    ['JPEG', () => noise(64).jpeg()],
    ['WebP', () => noise(64).webp()],
    ['GIF', () => noise(64).gif()],
    ['TIFF', () => noise(64).tiff()],
    ['AVIF', () => noise(64).avif()],
  ])('that is cut off is refused: %s', async (_, make) => {
    const whole = await make().toBuffer();
    expect(await said(whole)).toBe('200');
    for (const part of [0.3, 0.6])
      expect(await said(whole.subarray(0, Math.floor(part * whole.length)))).toMatch(
        /^422 UnusableImage: The image is cut off or damaged/,
      );
  });

  it('of several pictures is its first, however many there are', async () => {
    expect(await said(await noise(64, 3).gif().toBuffer())).toBe('200');
    expect(await said(await noise(64, 3).webp().toBuffer())).toBe('200');
    expect(await said(gifOf(100_000))).toBe('200');
  });

  it('of a palette is read by its colours', async () => {
    expect(await said(await noise(64).png({ palette: true, colours: 256 }).toBuffer())).toBe('200');
  });

  it('that holds the decoder is given up by name, and the next one is answered', async () => {
    const own = await start({ timeoutMs: 120_000, decodeMs: 50 });
    const to = `http://127.0.0.1:${own.port}`;
    const slow = await flat(6000, 6000).avif({ effort: 0 }).toBuffer();
    expect(await said(slow, to)).toBe(
      '422 UnusableImage: The image takes longer than 0.05 s to decode: save it anew, smaller or as JPEG.',
    );
    expect(await said(models.photos[0] as Buffer, to)).toBe('200');
    await own.close();
  });
});

describe('connections', () => {
  const opened: Socket[] = [];
  /** @returns it, and whether it has been closed */
  const open = (localAddress: string, port = serving.port) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    const state = { socket, isClosed: false };
    socket.on('error', () => {});
    socket.on('close', () => {
      state.isClosed = true;
    });
    socket.resume();
    opened.push(socket);
    return state;
  };
  afterAll(() => {
    for (const socket of opened) socket.destroy();
  });

  it('of one address leave room for others, and end where nothing comes over them', async () => {
    const idle = Array.from({ length: 200 }, () => open('127.0.0.2'));
    await vi.waitFor(() => expect(idle.filter(({ isClosed }) => isClosed).length).toBeGreaterThanOrEqual(170), 20_000);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await vi.waitFor(() => expect(idle.every(({ isClosed }) => isClosed)).toBe(true), 60_000);
  });

  it('whose headers come byte by byte are ended', async () => {
    const slow = open('127.0.0.3');
    slow.socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ');
    const drip = setInterval(() => slow.isClosed || slow.socket.write('x'), 100);
    await vi.waitFor(() => expect(slow.isClosed).toBe(true), 60_000);
    clearInterval(drip);
  });

  it('whose TLS never begins are ended', async () => {
    const { at, authority } = certificatesIn(models.storeUrl);
    authority('localhost');
    const tls = { cert: readFileSync(at('localhost.pem')), key: readFileSync(at('localhost.key')) };
    const own = await start({ handshakeMs: 500 }, tls);
    const [silent, half] = [open('127.0.0.1', own.port), open('127.0.0.1', own.port)];
    // The beginning of a handshake, of which the rest stays away.
    half.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await vi.waitFor(() => expect([silent.isClosed, half.isClosed]).toEqual([true, true]), 60_000);
    await own.close();
  });
});
