import { execFile, spawnSync } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { encoderAboutSchema } from '../../../contracts/encoder.ts';
import {
  embedAnswerSchema,
  errorAnswerSchema,
  modelsAnswerSchema,
  predictAnswerSchema,
  readyAnswerSchema,
  similarAnswerSchema,
} from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type Serving, serveModel } from '../../../serving/http/index.ts';
import { predictionsOf } from '../../../serving/http/predict.ts';
import { readAbout } from '../../../store/index.ts';
import { openIndex } from '../../../vectors/index.ts';
import { documentedCommands } from './documented.ts';
import { type ModelStore, modelStore, type TrainedModel } from './model-store.ts';
import { slowly } from './slowly.ts';

/** A real model, in its own process, behind a real server on loopback. */
let models: ModelStore;
let model: TrainedModel;
let serving: Serving;
let url = '';
/** Photos and requests in work at a time. */
const queue = 8;
const lines: string[] = [];

beforeAll(async () => {
  models = await modelStore();
  model = await models.train(1);
  await models.promote(model);
  serving = await serveModel({
    ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    environment: trainerEnvironment(),
    limits: { imageBytes: 100_000, imagePixels: 1_000_000, jsonBytes: 400_000, queue },
    log: (line) => lines.push(line),
  });
  url = `http://127.0.0.1:${serving.port}`;
});
afterAll(() => serving?.close());

const photo = (at = 0) => models.photos[at] as Buffer;
const post = (path: string, body: Buffer | string, type = 'image/png') =>
  fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': type } });
const postJson = (path: string, body: unknown) => post(path, JSON.stringify(body), 'application/json');
const inBase64 = (...photos: readonly Buffer[]) => ({ images: photos.map((each) => each.toString('base64')) });
const refused = async (answer: Response) => {
  const { error } = errorAnswerSchema.parse(await answer.json());
  return `${answer.status} ${error.code}: ${error.message}`;
};

describe('a server of a model', () => {
  it('embeds a photo, and several as each alone', async () => {
    const one = embedAnswerSchema.parse(await (await post('/v1/embed', photo(1))).json());
    expect(one).toMatchObject({
      ...{ model: 'gratings', version: 1, encoder: model.encoder.digest, index: model.index.digest },
    });
    const several = embedAnswerSchema.parse(await (await postJson('/v1/embed', inBase64(photo(0), photo(1)))).json());
    expect(several.results).toHaveLength(2);
    expect(several.results[1]).toEqual(one.results[0]);
  });

  it('finds look-alikes with name, label, score and picture, the nearest first', async () => {
    const answer = similarAnswerSchema.parse(await (await post('/v1/similar?k=5', photo())).json());
    const [{ neighbours } = { neighbours: [] }] = answer.results;
    expect(neighbours).toHaveLength(5);
    expect(neighbours.map(({ score }) => score)).toEqual(
      neighbours.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect(neighbours[0]?.name).toMatch(/^train\/\d+\.png$/);
    const picture = await fetch(`${url}${neighbours[0]?.picture}`);
    expect(picture.headers.get('content-type')).toBe('image/webp');
    expect((await sharp(Buffer.from(await picture.arrayBuffer())).metadata()).format).toBe('webp');
  });

  it('names the class with its confidence, whether it is known and why, and what looks like it', async () => {
    const answer = predictAnswerSchema.parse(await (await post('/v1/predict?k=3', photo())).json());
    const [prediction] = answer.results;
    expect(prediction?.neighbours).toHaveLength(3);
    expect(prediction?.guesses[0]).toEqual({ label: prediction?.label, confidence: prediction?.confidence });
    expect(prediction?.guesses.reduce((sum, { confidence }) => sum + confidence, 0)).toBeCloseTo(1);
    expect(prediction?.because).not.toBe('');
  });

  it('names the same class however many look-alikes are asked for, also without a classifier', async () => {
    const index = await openIndex(models.store, model.index);
    const { results, ...by } = embedAnswerSchema.parse(await (await post('/v1/embed', photo())).json());
    const computed = results.map(({ embedding }) => ({ embedding: Float32Array.from(embedding), logits: null }));
    const about = { encoder: await readAbout(models.store, model.encoder, encoderAboutSchema), classifier: null };
    const predict = (k: number) =>
      predictionsOf({ index, by, about, knowing: { now: () => ({ calibration: null, known: null }) } }, computed, k);
    const [[one], [all]] = [await predict(1), await predict(100)];
    await index.close();
    expect(one?.guesses).toEqual(all?.guesses);
    expect([one?.neighbours.length, all?.neighbours.length]).toEqual([1, 100]);
  });

  it('says what it serves', async () => {
    const answer = modelsAnswerSchema.parse(await (await fetch(`${url}/v1/models`)).json());
    expect(answer.models[0]).toMatchObject({ version: 1, run: 'served', products: 100, waiting: null });
    expect(answer.models[0]?.classes).toHaveLength(3);
  });

  it('says that it is well and ready', async () => {
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(readyAnswerSchema.parse(await ready.json())).toMatchObject({ ready: true, reason: null, version: 1 });
  });

  it('counts for Prometheus', async () => {
    await post('/v1/embed', photo());
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/contrail_requests_total\{route="\/v1\/embed",status="200"\} \d/);
    expect(text).toMatch(/contrail_request_seconds_bucket\{le="0.05",route="\/v1\/embed"\} \d/);
    expect(text).toMatch(/contrail_batch_images_sum \d/);
    expect(text).toContain('contrail_model_version{model="gratings"} 1');
    expect(text).toContain('contrail_ready 1');
    expect(text).toContain('contrail_process_restarts_total 0');
  });

  it('says to browsers that nothing else may be loaded, and nobody may frame it', async () => {
    for (const path of ['/', '/v1/models', '/nowhere']) {
      const { headers } = await fetch(`${url}${path}`);
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy'), path).not.toMatch(/unsafe/);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('referrer-policy'), path).toBe('no-referrer');
    }
  });
});

describe('a request that cannot be answered is refused with a reason:', () => {
  it('what is no image', async () => {
    expect(await refused(await post('/v1/predict', 'Hello', 'image/png'))).toBe(
      '415 UnsupportedMediaType: The image is text, not an image. Images may be PNG, JPEG, WebP, GIF, TIFF and AVIF.',
    );
  });

  it('a content type that is not read', async () => {
    expect(await refused(await post('/v1/predict', 'a=b', 'application/x-www-form-urlencoded'))).toMatch(
      /^415 .* Send an image as it is, with a content type such as image\/jpeg/,
    );
  });

  it('a damaged image, by its place where there are several', async () => {
    const damaged = photo().subarray(0, photo().length - 40);
    expect(await refused(await post('/v1/predict', damaged))).toMatch(/^422 UnusableImage: The image is cut off/);
    expect(await refused(await postJson('/v1/predict', inBase64(photo(), damaged)))).toMatch(
      /^422 UnusableImage: Image 2 of 2 is cut off or damaged/,
    );
  });

  it('too many bytes, before they are read', async () => {
    expect(await refused(await post('/v1/predict', Buffer.alloc(100_001)))).toMatch(/^413 TooLarge: .*97.7 KiB/);
    const bytes = await sharp({ create: { width: 300, height: 300, channels: 3, background: '#123' } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    expect(await refused(await postJson('/v1/predict', inBase64(bytes)))).toMatch(/^413 TooLarge: The image is larger/);
  });

  it('too many pixels, by the header alone', async () => {
    const bomb = await sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    expect(await refused(await post('/v1/predict', bomb))).toBe(
      '413 TooLarge: The image has 5000x5000 pixels, more than 1 million: shrink it.',
    );
  });

  it('too many images', async () => {
    const many = inBase64(...Array.from({ length: 33 }, () => Buffer.from('x')));
    expect(await refused(await postJson('/v1/predict', many))).toMatch(
      /^400 BadRequest: .*expected array to have <=32/,
    );
  });

  it.each([
    ['{"images": ["!"]}', /^400 BadRequest: The image is not in base64/],
    ['{"images": []}', /^400 BadRequest/],
    ['{"image": "x"}', /^400 BadRequest: There is no field "image": the JSON has images alone\./],
    ['{"images": ["AAAA"], "k": 3}', /^400 BadRequest: There is no field "k"/],
    ['{"images": ["http://127.0.0.1/a.png"]}', /^400 BadRequest: The image is not in base64/],
    ['{', /^400 BadRequest: The body is no JSON/],
    ['{"images": ["AAAA"], "__proto__": {"x": 1}}', /^400 BadRequest: There is no field "__proto__"/],
    ['["AAAA"]', /^400 BadRequest: The body must be an image, or JSON/],
    ['"AAAA"', /^400 BadRequest: The body must be an image, or JSON/],
    ['', /^400 BadRequest/],
  ])('the JSON %s', async (text, expected) => {
    expect(await refused(await post('/v1/predict', text, 'application/json'))).toMatch(expected);
  });

  it.each([
    ['brackets in brackets', '['.repeat(300_000)],
    ['ever more keys', `{${Array.from({ length: 30_000 }, (_, at) => `"${at}":1`).join()}}`],
  ])('JSON that would take long to read, unread: %s', async (_, text) => {
    expect(await refused(await post('/v1/predict', text, 'application/json'))).toMatch(
      /^400 BadRequest: The body must be JSON such as .* up to 32 images\.$/,
    );
  });

  it('a key of any length, of which the beginning is repeated', async () => {
    const answer = await post('/v1/predict', `{"${'k'.repeat(300_000)}": 1}`, 'application/json');
    expect((await refused(answer)).length).toBeLessThan(500);
  });

  it('a path that is none, in the same form and with the same headers', async () => {
    const answer = await fetch(`${url}/%ff%fe`);
    expect(answer.headers.get('content-security-policy')).toBeTruthy();
    expect(await refused(answer)).toBe('400 BadRequest: The path cannot be read.');
  });

  it('a JPEG of very many scans, each of which takes as long as a picture', async () => {
    const jpeg = await sharp(photo()).jpeg({ progressive: true }).toBuffer();
    expect((await post('/v1/embed', jpeg)).status).toBe(200);
    const scan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
    const long = Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 200 }, () => scan), jpeg.subarray(-2)]);
    expect(await refused(await post('/v1/embed', long))).toMatch(/^422 UnusableImage: .* is a JPEG of 2\d\d scans/);
  });

  it('no body', async () => {
    expect(await refused(await post('/v1/predict', ''))).toMatch(/^400 BadRequest: The body is empty/);
  });

  it.each(['0', '101', 'x', '1.5', ''])('k=%s', async (k) => {
    expect(await refused(await post(`/v1/similar?k=${k}`, photo()))).toMatch(/^400 BadRequest: /);
  });

  it('a parameter that there is not, with the names that there are', async () => {
    expect(await refused(await post('/v1/predict?K=3', photo()))).toBe(
      '400 BadRequest: There is no parameter "K": /v1/predict takes k.',
    );
    expect(await refused(await post('/v1/embed?k=3', photo()))).toBe(
      '400 BadRequest: There is no parameter "k": /v1/embed takes none.',
    );
    for (const path of ['/v1/models', '/readyz', '/healthz', '/metrics', '/openapi.json'])
      expect(await refused(await fetch(`${url}${path}?verbose=1`)), path).toMatch(/^400 .*"verbose".* takes none\.$/);
    expect((await fetch(`${url}/?utm_source=mail`)).status).toBe(200);
    expect((await fetch(`${url}/v1/nothing?x=1`)).status).toBe(404);
  });

  it('a form of a browser, in which a photo would be one field of several', async () => {
    const form = new FormData();
    form.set('image', new Blob([photo()], { type: 'image/png' }), 'photo.png');
    expect(await refused(await fetch(`${url}/v1/predict`, { method: 'POST', body: form }))).toMatch(
      /^415 UnsupportedMediaType: .* Send an image as it is/,
    );
  });

  it('a path or a method that there is not', async () => {
    expect(await refused(await fetch(`${url}/v1/nothing`))).toMatch(/^404 NotFound/);
    expect(await refused(await fetch(`${url}/v1/predict`))).toBe('405 MethodNotAllowed: /v1/predict takes POST.');
    for (const path of [`${model.index.digest}/100`, `${model.index.digest}/-1`, `${'0'.repeat(64)}/0`, '../x'])
      expect((await fetch(`${url}/v1/pictures/${path}`)).status, path).toBeGreaterThanOrEqual(400);
  });

  it('another host name or origin', async () => {
    const asked = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        httpRequest(
          `${url}/v1/embed`,
          { method: 'POST', headers: { 'content-type': 'image/png', ...headers } },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        )
          .on('error', reject)
          .end(photo());
      });
    expect(await asked({})).toBe(200);
    expect(await asked({ host: 'evil.example' })).toBe(403);
    expect(await asked({ origin: 'https://evil.example' })).toBe(403);
    expect(await asked({ origin: url })).toBe(200);
  });
});

const hasCurl = spawnSync('curl', ['--version']).status === 0;

it.skipIf(!hasCurl)('answers what docs/using-the-model.md asks by curl', async () => {
  await sharp(photo()).jpeg().toFile(join(models.storeUrl, 'photo.jpg'));
  const shown = documentedCommands().filter((line) => line.startsWith('curl -s http://127.0.0.1:8484/'));
  expect(shown.length).toBeGreaterThanOrEqual(4);
  for (const line of shown) {
    const command = line.replace('http://127.0.0.1:8484', url);
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: models.storeUrl });
    expect(JSON.parse(stdout), line).not.toHaveProperty('error');
  }
});

it('logs neither photos nor what is wrong with them', () => {
  expect(lines).toEqual([]);
});

it('refuses requests beyond what it takes at a time with 429 and Retry-After, unread, and answers the others', async () => {
  const from = (localAddress: string, count: number) =>
    Array.from({ length: count }, () => slowly(`${url}/v1/embed`, photo(), { localAddress }));
  const inWork = (count: number) =>
    vi.waitFor(async () =>
      expect(await (await fetch(`${url}/metrics`)).text()).toContain(`contrail_requests_in_flight ${count}`),
    );
  const slow = from('127.0.0.1', 6);
  await inWork(6);
  const greedy = await post('/v1/embed', photo());
  expect(Number(greedy.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await refused(greedy)).toMatch(
    /^429 TooManyRequests: Your address has its share of this server: 6 requests in work\. Wait .* in \d+ s\.$/,
  );
  // There is room for another address, which gets what is left.
  slow.push(...from('127.0.0.2', 2));
  await inWork(queue);
  const [busy] = from('127.0.0.3', 1);
  expect(await busy?.answer).toBe(429);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await Promise.all(slow.map(({ finish }) => finish()))).toEqual(slow.map(() => 200));
  expect((await post('/v1/embed', photo())).status).toBe(200);
});

describe('a request that arrives slowly', () => {
  it('has all its time once it is there, and is refused with 408 where it does not come', async () => {
    const timeoutMs = 2000;
    const own = await serveModel({
      ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
      ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
      ...{ environment: trainerEnvironment(), limits: { timeoutMs, arrivalMs: 2 * timeoutMs }, log: () => {} },
    });
    const to = `http://127.0.0.1:${own.port}/v1/embed`;
    const [slow, never] = [slowly(to, photo()), slowly(to, photo())];
    // It neither sends all nor reads what it is told.
    const deaf = connect({ port: own.port, allowHalfOpen: true }).pause();
    deaf.write(
      'POST /v1/embed HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nx',
    );
    await new Promise((resolve) => setTimeout(resolve, timeoutMs + 500));
    expect(await slow.finish()).toBe(200);
    expect(await never.answer).toBe(408);
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`http://127.0.0.1:${own.port}/metrics`)).text()).toContain(
          'contrail_requests_in_flight 0',
        ),
      { timeout: 15_000, interval: 200 },
    );
    deaf.destroy();
    await own.close();
  });
});

it('has an OpenAPI document that its answers keep to', async () => {
  const document = z
    .object({
      openapi: z.literal('3.1.0'),
      paths: z.record(z.string(), z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.json()) }))),
      components: z.object({ schemas: z.record(z.string(), z.json()) }),
    })
    .parse(await (await fetch(`${url}/openapi.json`)).json());
  expect(Object.keys(document.paths)).toContain('/v1/predict');
  const schema = document.components.schemas.PredictAnswer as Parameters<typeof z.fromJSONSchema>[0];
  const answer = predictAnswerSchema.parse(await (await post('/v1/predict', photo())).json());
  expect(z.fromJSONSchema(schema).safeParse(answer).error).toBeUndefined();
  expect(z.fromJSONSchema(schema).safeParse({ ...answer, results: [{}] }).success).toBe(false);
});
