import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { notify } from '../../activities/notify.ts';
import { canonicalJson } from '../../contracts/json.ts';
import { loadStepResult, openStore } from '../../store/index.ts';
import { createTrainerHost } from '../../training/host.ts';

/** A webhook on loopback that answers as each test says. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-notify-'));
const store = openStore(folder);
const host = createTrainerHost({
  entry: new URL('../../worker/trainer.ts', import.meta.url),
  storeUrl: store.url,
  environment: {},
  log: () => {},
});
const received: { readonly path: string; readonly body: unknown }[] = [];
let answer = 200;
let silent = false;
let server: Server;
const secret = 'token-that-nobody-may-see';

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: JSON.parse(Buffer.concat(parts).toString()) });
      if (silent) return;
      response.writeHead(answer, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  process.env.TEST_WEBHOOK = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/hook/${secret}`;
});
beforeEach(() => {
  received.length = 0;
  answer = 200;
  silent = false;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const send = (parameters: { [key: string]: string | number } = {}) =>
  new MockActivityEnvironment().run(
    (input: Parameters<typeof notify>[1]) =>
      notify({ store, host, cacheFolder: folder, ownSteps: false, say: () => {}, environment: {} }, input),
    {
      run: 'r',
      step: 'tell',
      fingerprint: canonicalJson({ uses: 'notify', version: 1, with: {}, inputs: {} }),
      inputs: {},
      parameters: { urlFrom: 'TEST_WEBHOOK', message: 'done', ...parameters },
    },
  );
const failure = async (parameters?: { [key: string]: string | number }) => {
  const error: unknown = await send(parameters).catch((reason: unknown) => reason);
  const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
  expect(text).not.toContain(secret);
  return error;
};

describe('a notify step', () => {
  it('posts the message as JSON to the URL that the variable holds, and records the answer', async () => {
    expect(await send()).toEqual({ status: 200 });
    expect(received).toEqual([
      { path: `/hook/${secret}`, body: expect.objectContaining({ run: 'r', step: 'tell', message: 'done', data: {} }) },
    ]);
    expect((await loadStepResult(store, { run: 'r', step: 'tell' }))?.result).toEqual({ status: 200 });
  });

  it('fails so that it is tried again where the receiver is in trouble, and for good where it refuses', async () => {
    for (const status of [500, 503, 429, 408]) {
      answer = status;
      expect(await failure()).toMatchObject({ code: 'NotificationFailed' });
    }
    for (const status of [400, 404, 302]) {
      answer = status;
      expect(await failure()).toMatchObject({
        code: 'InvalidInput',
        message: `The webhook in TEST_WEBHOOK answered ${status}.`,
      });
    }
    expect(received.some(({ path }) => path === '/elsewhere')).toBe(false);
  });

  it('does not wait longer than it is told', async () => {
    silent = true;
    expect(await failure({ seconds: 0.2 })).toMatchObject({
      code: 'NotificationFailed',
      message: 'The webhook in TEST_WEBHOOK did not answer within 0.2 s.',
    });
  });

  it('names a variable that is missing or no URL, and never what is in it', async () => {
    expect(await failure({ urlFrom: 'NO_SUCH_WEBHOOK' })).toMatchObject({
      message: expect.stringContaining('no environment variable NO_SUCH_WEBHOOK'),
    });
    process.env.BAD_WEBHOOK = secret;
    expect(await failure({ urlFrom: 'BAD_WEBHOOK' })).toMatchObject({
      message: 'BAD_WEBHOOK on this worker is not an http or https URL.',
    });
    process.env.BAD_WEBHOOK = `http://127.0.0.1:1/${secret}`;
    expect(await failure({ urlFrom: 'BAD_WEBHOOK' })).toMatchObject({ code: 'NotificationFailed' });
  });
});
