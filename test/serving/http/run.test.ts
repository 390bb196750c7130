import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { trainingIndex } from '../../../cli/training-index.ts';
import { modelsAnswerSchema, similarAnswerSchema } from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { type Serving, serveModel } from '../../../serving/http/index.ts';
import { artifactFolder } from '../../../store/index.ts';
import { stripes } from '../pictures.ts';
import { run, type SmallModel, smallModel } from '../small-model.ts';

/** The model of a run, which has no index, as `contrail serve <run>` serves it. */
let model: SmallModel;
let serving: Serving | undefined;
let lines: string[] = [];

beforeAll(async () => {
  model = await smallModel();
});
afterAll(() => serving?.close());

async function serve(): Promise<string> {
  await serving?.close();
  lines = [];
  const { store, storeUrl } = model;
  const { signal } = new AbortController();
  serving = await serveModel({
    ...{ store, storeUrl, named: { run }, environment: trainerEnvironment(), log: (line) => lines.push(line) },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
    indexOfTraining: (used, process) => trainingIndex({ store, used, process, signal }),
  });
  return `http://127.0.0.1:${serving.port}`;
}
const served = async (url: string) =>
  modelsAnswerSchema.parse(await (await fetch(`${url}/v1/models`)).json()).models[0];
const similar = async (url: string) =>
  fetch(`${url}/v1/similar?k=3`, {
    method: 'POST',
    body: await stripes('red', 5000),
    headers: { 'content-type': 'image/png' },
  });

it('is served under the name that the commands give it, with an index of its training images, made once', async () => {
  const url = await serve();
  const first = await served(url);
  expect(first).toMatchObject({ model: `${run}/pretrain`, version: null, run, index: expect.any(String) });
  const answer = similarAnswerSchema.parse(await (await similar(url)).json());
  expect(answer.results[0]?.neighbours.map(({ label }) => label)).toEqual(['red', 'red', 'red']);
  const picture = await fetch(`${url}${answer.results[0]?.neighbours[0]?.picture}`);
  expect(picture.headers.get('content-type')).toBe('image/webp');
  expect((await served(await serve()))?.index).toBe(first?.index);
  // Nobody evaluated its classifier.
  expect(lines.join('\n')).toContain('The confidence is not calibrated');
});

it('is served without look-alikes where the training images are gone, and says why', async () => {
  const folder = fileURLToPath(model.storeUrl);
  await rm(join(folder, 'cache'), { recursive: true });
  await rm(join(folder, artifactFolder(model.dataset)), { recursive: true });
  const url = await serve();
  expect(await served(url)).toMatchObject({ run, index: null, products: null });
  expect(lines.join('\n')).toMatch(/is served without look-alikes: .*artifacts\/dataset/);
  expect((await similar(url)).status).toBe(409);
});
