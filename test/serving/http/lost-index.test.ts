/** A server whose index is emptied, cut or removed, at its start and while it serves: it goes on with what the classifier says. */
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import {
  embedAnswerSchema,
  errorAnswerSchema,
  modelsAnswerSchema,
  predictAnswerSchema,
  readyAnswerSchema,
  similarAnswerSchema,
} from '../../../contracts/serving.ts';
import { findImage, forgetImage } from '../../../datasets/index.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type Serving, serveModel } from '../../../serving/http/index.ts';
import { artifactFolder, readArtifact } from '../../../store/index.ts';
import { type ModelStore, modelStore, type TrainedModel } from './model-store.ts';

let models: ModelStore;
let model: TrainedModel;
let serving: Serving;
const lines: string[] = [];

const start = async () => {
  serving = await serveModel({
    ...{ store: models.store, storeUrl: models.storeUrl, named: { model: 'gratings' } },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    environment: trainerEnvironment(),
    limits: { pollMs: 100, patienceMs: 60_000, timeoutMs: 120_000 },
    log: (line) => lines.push(line),
  });
};
const url = (path: string) => `http://127.0.0.1:${serving.port}${path}`;
const post = (path: string) =>
  fetch(url(path), { method: 'POST', body: models.photos[0] ?? null, headers: { 'content-type': 'image/png' } });
const readyz = async () => {
  const answer = await fetch(url('/readyz'));
  return { status: answer.status, ...readyAnswerSchema.parse(await answer.json()) };
};
const predicted = async () => predictAnswerSchema.parse(await (await post('/v1/predict?k=3')).json());

beforeAll(async () => {
  models = await modelStore();
  model = await models.train(1);
  await models.promote(model);
  await start();
});
afterAll(() => serving?.close());
beforeEach(() => void lines.splice(0));

const unusable = (why: string) =>
  `The index cannot be used, so there are no look-alikes: ${why} To have them again, embed the images with \`contrail embed <images> --model <model> --to <file>\`, then \`contrail index build <model> --from <run>\` of that run.`;
const lost = unusable('a file of it is missing or damaged. The log of the server says which.');
const forgotten = unusable('files of it were removed, because an image was forgotten.');

/** That it serves on, without look-alikes, and says so wherever it is asked. */
async function servesWithout(missing: RegExp, problem = lost): Promise<void> {
  const { index, results } = await predicted();
  expect(index).toBeNull();
  expect(results[0]).toMatchObject({ neighbours: [], because: expect.stringContaining('training image') });
  expect(embedAnswerSchema.parse(await (await post('/v1/embed')).json()).index).toBeNull();
  const similar = await post('/v1/similar');
  expect([similar.status, similar.headers.get('retry-after')]).toEqual([503, '60']);
  expect(errorAnswerSchema.parse(await similar.json()).error).toEqual({ code: 'Unavailable', message: problem });
  expect(await readyz()).toMatchObject({ status: 200, ready: true, reason: problem, version: 1, index: null });
  const [served] = modelsAnswerSchema.parse(await (await fetch(url('/v1/models'))).json()).models;
  expect(served).toMatchObject({ products: null, problem, index: null });
  expect(await (await fetch(url('/metrics'))).text()).toContain('contrail_index_usable 0');
  const said = lines.filter((line) => line.includes('cannot be used'));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(missing);
  expect(lines.join('\n')).not.toMatch(/^ +at /m);
}

/** Whatever else this machine does: a second is not enough where it is busy. */
const timeout = 60_000;
const lostIndex = () => vi.waitFor(async () => expect((await readyz()).index).toBeNull(), { timeout });
const servesWithIndex = () =>
  vi.waitFor(
    async () => expect(await readyz()).toMatchObject({ status: 200, reason: null, index: model.index.digest }),
    {
      timeout,
    },
  );

const fileOf = (index: ArtifactRef, name: string) => models.store.locate(`${artifactFolder(index)}/${name}`);
async function withFileOf(index: ArtifactRef, begin: string, change: (file: string) => Promise<void>) {
  const name = (await readArtifact(models.store, index)).files.find(({ path }) => path.startsWith(begin))?.path ?? '';
  const before = await readFile(fileOf(index, name));
  await change(fileOf(index, name));
  return () => writeFile(fileOf(index, name), before);
}

it('goes on where a file of its index is removed, and takes it up again when the file is back', async () => {
  const before = await predicted();
  const restore = await withFileOf(model.index, 'vectors-', (file) => rm(file));
  await lostIndex();
  await servesWithout(/vectors-00000\.safetensors is damaged: expected a file, found none/);
  await restore();
  await servesWithIndex();
  expect(await predicted()).toEqual(before);
});

it('answers the very request that finds the index damaged', async () => {
  const restore = await withFileOf(model.index, 'rows-', (file) => truncate(file, 50));
  expect((await post('/v1/predict')).status).toBe(200);
  await servesWithout(/rows-00000\.jsonl is damaged/);
  await restore();
  await servesWithIndex();
});

it('searches no longer for an image that is forgotten, and starts without the index that held it', async () => {
  const { results } = similarAnswerSchema.parse(await (await post('/v1/similar?k=1')).json());
  const [nearest] = results[0]?.neighbours ?? [];
  const rows = await readFile(fileOf(model.index, 'rows-00000.jsonl'), 'utf8');
  const { source } = JSON.parse(rows.split('\n')[nearest?.row ?? 0] ?? '');
  const options = { image: 'x', by: 'me', requireQuiet: async () => {}, cacheFolder: models.storeUrl };
  await forgetImage(models.store, await findImage(models.store, [source]), options);
  await lostIndex();
  const missing = /was forgotten that this index held\. Build the index again/;
  await servesWithout(missing, forgotten);
  await serving.close();
  lines.splice(0);
  await start();
  await servesWithout(missing, forgotten);
});

it('follows a promotion of a version whose index is whole', async () => {
  const whole = await models.train(2);
  const { version } = await models.promote(whole);
  await serving.look();
  expect(await readyz()).toMatchObject({ version, index: whole.index.digest, reason: null });
  const { results } = await predicted();
  expect(results[0]?.neighbours).toHaveLength(3);
});
