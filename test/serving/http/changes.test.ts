import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { childrenOf, ofProcess } from '../../../bench/trainer-processes.ts';
import {
  embedAnswerSchema,
  errorAnswerSchema,
  modelsAnswerSchema,
  predictAnswerSchema,
  readyAnswerSchema,
} from '../../../contracts/serving.ts';
import { rollBackModel } from '../../../evaluation/promotion/roll-back.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type ServeOptions, type Serving, serveModel } from '../../../serving/http/index.ts';
import { type ModelStore, modelStore, type TrainedModel } from './model-store.ts';
import { slowly } from './slowly.ts';

/** What happens to a server while it serves: its process dies, and other versions are promoted. */
let models: ModelStore;
let first: TrainedModel;
let second: TrainedModel;
let serving: Serving;
let url = '';
const lines: string[] = [];

const start = (options: Partial<ServeOptions> = {}) =>
  serveModel({
    ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    environment: trainerEnvironment(),
    // Whatever else this machine does: no time is what fails here.
    limits: { pollMs: 100, queue: 64, patienceMs: 60_000, timeoutMs: 120_000 },
    log: (line) => lines.push(line),
    ...options,
  });

/** Whatever else this machine does: a second is not enough where it is busy. */
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, 60_000);

const anyAnswerSchema = z.object({
  version: z.int(),
  encoder: z.string(),
  index: z.string(),
  results: z.array(z.json()),
});

beforeAll(async () => {
  models = await modelStore();
  [first, second] = [await models.train(1), await models.train(2)];
  await models.promote(first);
  serving = await start();
  url = `http://127.0.0.1:${serving.port}`;
});
afterAll(() => serving?.close());
beforeEach(() => void lines.splice(0));

const post = (path: string, at = 0) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    body: models.photos[at] ?? null,
    headers: { 'content-type': 'image/png' },
  });
const embedding = async (at = 0) => embedAnswerSchema.parse(await (await post('/v1/embed', at)).json());
const ready = async () => readyAnswerSchema.parse(await (await fetch(`${url}/readyz`)).json());

/** The processes of TensorFlow that this one has started. */
const modelProcesses = (): number[] =>
  childrenOf(process.pid).filter((pid) => ofProcess(pid, 'cmdline').startsWith('contrail model'));

describe('a process of TensorFlow that is killed', () => {
  it('costs the requests in work a 503, and none after them; another one takes its place', async () => {
    const before = await embedding();
    const [pid] = modelProcesses();
    expect(modelProcesses()).toHaveLength(1);
    let isKilled = false;
    const statuses: number[] = [];
    const client = async () => {
      while (!isKilled || statuses.filter((status) => status === 200).length < 200) {
        const answer = await post('/v1/embed');
        statuses.push(answer.status);
        if (answer.status === 200) await answer.arrayBuffer();
        else {
          expect(answer.status).toBe(503);
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
          expect(errorAnswerSchema.parse(await answer.json()).error).toEqual({
            code: 'Unavailable',
            message: 'The process that computes is being replaced. Try again in 2 s.',
          });
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await eventually(() => expect(statuses.length).toBeGreaterThan(20));
    process.kill(pid as number, 'SIGKILL');
    await eventually(async () => expect((await ready()).ready).toBe(false));
    expect(await ready()).toMatchObject({ reason: 'The process that computes ended, and another is started.' });
    isKilled = true;
    await clients;
    expect(statuses.filter((status) => status === 503).length).toBeLessThanOrEqual(8);
    expect((await ready()).ready).toBe(true);
    expect(modelProcesses()).toHaveLength(1);
    expect(modelProcesses()).not.toEqual([pid]);
    expect(await embedding()).toEqual(before);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('contrail_process_restarts_total 1');
  });
});

it('a process of TensorFlow that is stopped is not ready within seconds, also while nothing is asked, and is replaced', async () => {
  const before = await embedding();
  const [pid] = modelProcesses();
  process.kill(pid as number, 'SIGSTOP');
  await vi.waitFor(async () => expect((await ready()).ready).toBe(false), { timeout: 60_000, interval: 20 });
  expect(lines.join('\n')).toContain('The process of the model did not run for 5 s');
  await vi.waitFor(async () => expect((await ready()).ready).toBe(true), { timeout: 60_000, interval: 100 });
  expect(modelProcesses()).not.toContain(pid);
  expect(await embedding()).toEqual(before);
});

it('says what ended TensorFlow while it was tried for the first time', async () => {
  const before = modelProcesses();
  // So many images that trying them takes longer than it takes to kill it.
  const started = start({ limits: { batch: 100_000 } });
  const failed = expect(started).rejects.toMatchObject({
    ...{ code: 'TrainerCrashed', message: expect.stringContaining('SIGKILL') },
  });
  const own = () => modelProcesses().find((pid) => !before.includes(pid));
  await eventually(() => expect(own()).toBeDefined());
  await new Promise((resolve) => setTimeout(resolve, 2000));
  process.kill(own() as number, 'SIGKILL');
  await failed;
});

describe('a promotion', () => {
  it('changes the answers under load, without a failure and without a mixture', async () => {
    const servedNow = async () => {
      const answer = predictAnswerSchema.parse(await (await post('/v1/predict?k=3')).json());
      const { embedding: values } = (await embedding()).results[0] ?? {};
      return { version: answer.version ?? 0, parts: [answer.encoder, answer.index, answer.results, values] };
    };
    const old = await servedNow();
    let isOver = false;
    const seen: { version: number; path: string; parts: string }[] = [];
    const client = async (path: '/v1/predict?k=3' | '/v1/embed') => {
      while (!isOver) {
        const answer = await post(path);
        expect(answer.status).toBe(200);
        const { version, encoder, index, results } = anyAnswerSchema.parse(await answer.json());
        seen.push({ version, path, parts: JSON.stringify([encoder, index, results]) });
      }
    };
    const clients = [...Array.from({ length: 3 }, () => client('/v1/predict?k=3')), client('/v1/embed')];
    await eventually(() => expect(seen.length).toBeGreaterThan(20));
    const { version } = await models.promote(second);
    await eventually(() => expect(seen.at(-1)?.version).toBe(version));
    const after = seen.length;
    await eventually(() => expect(seen.length).toBeGreaterThan(after + 20));
    isOver = true;
    await Promise.all(clients);
    const now = await servedNow();
    expect(now.version).toBe(version);
    // Each version has one answer to the photo, and both are seen; every answer is that of the version that it names.
    for (const path of ['/v1/predict?k=3', '/v1/embed']) {
      const own = seen.filter((each) => each.path === path);
      expect(new Set(own.map((each) => each.version))).toEqual(new Set([old.version, version]));
      for (const number of [old.version, version])
        expect(new Set(own.filter((each) => each.version === number).map(({ parts }) => parts)).size).toBe(1);
    }
    for (const { version: number, parts } of seen.filter(({ path }) => path !== '/v1/embed'))
      expect(JSON.parse(parts)).toEqual((number === old.version ? old : now).parts.slice(0, 3));
    expect(now.parts[3]).not.toEqual(old.parts[3]);
    await eventually(() => expect(modelProcesses()).toHaveLength(1));
    expect(lines).toContain(`Version ${version} serves now, in place of version ${old.version}.`);
  });

  it('of a model without an index waits, and the version with one serves on, until there is one', async () => {
    const before = await ready();
    const { version } = await models.promote(first, { withIndex: false });
    await serving.look();
    const waiting = {
      version,
      reason:
        'it has no index, and the version that serves has one. To give it one, embed the images with `contrail embed <images> --model gratings --to <file>`, then `contrail index build gratings --from <run>` of that run.',
    };
    expect(await ready()).toMatchObject({ ready: true, version: before.version, waiting });
    expect(modelsAnswerSchema.parse(await (await fetch(`${url}/v1/models`)).json()).models[0]?.waiting).toEqual(
      waiting,
    );
    expect(lines).toEqual([`Version ${version} waits, and version ${before.version} serves on: ${waiting.reason}`]);
    const withIndex = await models.promote(first);
    await serving.look();
    expect(await ready()).toMatchObject({ version: withIndex.version, waiting: null });
  });

  it('that changes the index alone keeps the process', async () => {
    await eventually(() => expect(modelProcesses()).toHaveLength(1));
    const [pid] = modelProcesses();
    const before = await embedding();
    const { version } = await models.promote(first);
    await serving.look();
    expect(modelProcesses()).toEqual([pid]);
    expect(await embedding()).toEqual({ ...before, version });
  });

  it('is taken back by a rollback', async () => {
    await models.promote(second);
    await serving.look();
    const { version: wrong } = await ready();
    await rollBackModel(models.store, 'gratings');
    await serving.look();
    expect(await ready()).toMatchObject({ version: (wrong ?? 0) + 1, encoder: first.encoder.digest });
  });

  it('that cannot be opened is said, and the version before serves on', async () => {
    const before = await ready();
    const lost = { ...second, encoder: { kind: 'encoder' as const, digest: 'f'.repeat(64) } };
    const { version } = await models.promote({ ...lost, index: first.index });
    await serving.look();
    expect(await ready()).toMatchObject({
      ...{ ready: true, version: before.version },
      waiting: { version, reason: 'it cannot be opened. The log of the server says why.' },
    });
    expect(lines.join('\n')).toContain(`Version ${version} cannot be opened`);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/contrail_swaps_failed_total [1-9]/);
    expect((await post('/v1/predict')).status).toBe(200);
    await models.promote(first);
    await serving.look();
    expect((await ready()).waiting).toBeNull();
  });
});

describe('a server that is stopped', () => {
  it('answers what is in work, takes no more connections, and leaves no process', async () => {
    await eventually(() => expect(modelProcesses()).toHaveLength(1));
    const own = await start();
    const to = `http://127.0.0.1:${own.port}/v1/embed`;
    const asked = Array.from({ length: 10 }, () => slowly(to, models.photos[0] as Buffer));
    await eventually(async () =>
      expect(await (await fetch(`http://127.0.0.1:${own.port}/metrics`)).text()).toContain(
        'contrail_requests_in_flight 10',
      ),
    );
    const closed = own.close();
    expect(await Promise.all(asked.map(({ finish }) => finish()))).toEqual(asked.map(() => 200));
    await closed;
    await expect(fetch(to)).rejects.toThrow('fetch failed');
    expect(modelProcesses()).toHaveLength(1);
  });
});
