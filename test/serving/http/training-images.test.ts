import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { trainingIndex } from '../../../cli/training-index.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import {
  errorAnswerSchema,
  modelsAnswerSchema,
  readyAnswerSchema,
  similarAnswerSchema,
} from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { findModel } from '../../../serving/find-model.ts';
import { type ServeOptions, type Serving, serveModel } from '../../../serving/http/index.ts';
import { knownDataset, madeBefore } from '../../../serving/training-index.ts';
import { type ModelStore, modelStore, type TrainedModel } from './model-store.ts';

/** A model that is promoted without an index: its look-alikes are the images that it was trained on, as those of a run are. */
let models: ModelStore;
let first: TrainedModel;
let second: TrainedModel;
const servers: Serving[] = [];
const lines: string[] = [];

const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, 60_000);
/** A server, as its clients see it. */
async function start(make: NonNullable<ServeOptions['indexOfTraining']>) {
  const serving = await serveModel({
    ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    environment: trainerEnvironment(),
    limits: { pollMs: 100, patienceMs: 60_000, timeoutMs: 120_000 },
    indexOfTraining: make,
    log: (line) => lines.push(line),
  });
  servers.push(serving);
  const url = `http://127.0.0.1:${serving.port}`;
  const json = async (path: string) => (await fetch(`${url}${path}`)).json();
  const headers = { 'content-type': 'image/png' };
  return {
    similar: () => fetch(`${url}/v1/similar?k=3`, { method: 'POST', body: models.photos[0] ?? null, headers }),
    ready: async () => readyAnswerSchema.parse(await json('/readyz')),
    served: async () => modelsAnswerSchema.parse(await json('/v1/models')).models[0],
  };
}
type Server = Awaited<ReturnType<typeof start>>;
const indexMade = async () => {
  const used = await findModel(models.store, { model: 'gratings' });
  return madeBefore(models.store, used.encoder, await knownDataset(models.store, used));
};

/** What holds the making of an index back. */
let gate = Promise.resolve();
let open = () => {};
const closeGate = () => {
  gate = new Promise((resolve) => {
    open = resolve;
  });
};
let without: Server;
let server: Server;

beforeAll(async () => {
  models = await modelStore();
  [first, second] = [await models.train(1), await models.train(2)];
  await models.promote(first, { withIndex: false });
});
afterAll(() => Promise.all(servers.map((each) => each.close())));

it('is served without look-alikes where their index cannot be made, and the log says what to do', async () => {
  without = await start(() => Promise.reject(new ContrailError('Usage', 'The images are gone.')));
  await eventually(() =>
    expect(lines.join('\n')).toContain(
      'gratings has no look-alikes: it has no index, and none of its training images could be made. The images are gone. To give it one, embed the images with `contrail embed <images> --model gratings --to <file>`',
    ),
  );
  expect(await without.served()).toMatchObject({ version: 1, index: null, problem: null });
  expect((await without.similar()).status).toBe(409);
  expect((await without.ready()).ready).toBe(true);
});

it('answers at once, and finds look-alikes among its training images once their index is made', async () => {
  closeGate();
  server = await start(async (used, process, own) => {
    await gate;
    return trainingIndex({ store: models.store, used, process, signal: own ?? new AbortController().signal });
  });
  const beingMade =
    'An index of the images that gratings was trained on is being made. Until then there are no look-alikes.';
  await eventually(async () =>
    expect(await server.served()).toMatchObject({ version: 1, index: null, problem: beingMade }),
  );
  expect(await server.ready()).toMatchObject({ ready: true, reason: beingMade });
  const early = await server.similar();
  expect([early.status, early.headers.get('retry-after')]).toEqual([503, '10']);
  expect(errorAnswerSchema.parse(await early.json()).error.message).toBe(beingMade);
  open();
  await eventually(async () => expect((await server.similar()).status).toBe(200));
  const answer = similarAnswerSchema.parse(await (await server.similar()).json());
  expect(answer).toMatchObject({ version: 1, index: (await indexMade())?.digest });
  expect(answer.results[0]?.neighbours).toHaveLength(3);
  expect(await server.served()).toMatchObject({ problem: null, waiting: null });
});

it('has look-alikes as soon as somebody else has made the index, another server or `contrail similar`', async () => {
  await eventually(async () => expect((await without.similar()).status).toBe(200));
  expect(await without.served()).toMatchObject({ version: 1, index: (await indexMade())?.digest });
});

it('waits where another version is served, until its own index is made, and the pair changes as a whole', async () => {
  const before = await server.served();
  closeGate();
  let isOver = false;
  const pairs = new Set<string>();
  const client = async () => {
    while (!isOver) {
      const answer = await server.similar();
      expect(answer.status).toBe(200);
      const { version, encoder, index } = similarAnswerSchema.parse(await answer.json());
      pairs.add(`${version} ${encoder} ${index}`);
    }
  };
  const clients = Promise.all([client(), client()]);
  await models.promote(second, { withIndex: false });
  const reason = 'an index of the images that it was trained on is being made.';
  await eventually(async () => expect((await server.ready()).waiting).toEqual({ version: 2, reason }));
  expect(await server.served()).toMatchObject({ version: 1, index: before?.index });
  open();
  await eventually(() => expect(pairs.size).toBe(2));
  isOver = true;
  await clients;
  const made = await indexMade();
  expect(made?.digest).not.toBe(before?.index);
  expect([...pairs]).toEqual([
    `1 ${first.encoder.digest} ${before?.index}`,
    `2 ${second.encoder.digest} ${made?.digest}`,
  ]);
  expect(await server.ready()).toMatchObject({ version: 2, waiting: null, reason: null });
});
