import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import { queryStatus, startRun } from '../../cli/runs.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { randomDraws } from '../../datasets/random.ts';
import { loadRefusals, loadVersions, readAbout } from '../../store/index.ts';
import { runCommand } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/** pipelines/retrain.yaml, as it ships, on small images, over weeks in which folders change or stay. */
let environment: TestEnvironment;
let folder: string;
let server: Server;
const told: string[] = [];

const side = 16;
/** A photo of a class: its pattern and colour, and noise of its own. */
async function addPhoto(to: string, label: number, at: number): Promise<void> {
  const [shape, noise] = [randomDraws(1, 'pattern', label), randomDraws(2, to, label, at)];
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, place) => {
    const cell = 12 * Math.floor(place / 3 / side / 4) + 3 * (Math.floor(place / 3) % 4) + (place % 3);
    return 0.6 * (shape(cell) >>> 24) + 0.4 * (noise(place) >>> 24);
  });
  await mkdir(to, { recursive: true });
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(join(to, `${label}-${at}.png`));
}
const addPhotos = async (to: string, label: number, count: number, from = 0) => {
  for (let at = from; at < from + count; at++) await addPhoto(to, label, at);
};

const trained = (images: string) => `
name: trained
steps:
  data: { uses: prepare-data, with: { dataset: image-folder, path: ${images}, size: ${side} } }
  pretrain:
    uses: pretrain
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }, projection: { hidden: 16, output: 8 }, batch: 32, epochs: 3 }
  probe: { uses: linear-probe, needs: [pretrain], with: { epochs: 20, batch: 32, learningRates: [0.05] } }
  evaluate: { uses: evaluate, needs: [probe] }
  promote: { uses: promote, needs: [evaluate], with: { model: catalogue } }
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-retrain-'));
  for (const label of [0, 1, 2]) await addPhotos(join(folder, 'images', `class-${label}`), label, 150);
  for (const label of [0, 1, 2]) for (const week of ['quiet', 'new']) await addPhotos(join(folder, week), label, 12);
  await addPhotos(join(folder, 'new'), 7, 24);
  await mkdir(join(folder, 'none'));
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      told.push((JSON.parse(Buffer.concat(parts).toString()) as { message: string }).message);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.MODELS_WEBHOOK = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  environment = await startTestEnvironment();
  await environment.start('first', trained(join(folder, 'images')));
  await environment.result('first');
}, 180_000);
afterAll(async () => {
  await environment.stop();
  server.close();
  delete process.env.MODELS_WEBHOOK;
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Runs the pipeline over the photos of a week. */
async function retrain(week: string, photos = week, params: Record<string, number> = {}) {
  const file = fileURLToPath(new URL('../../pipelines/retrain.yaml', import.meta.url));
  const plan = (await openPipelineFile(file, { runCode: false })).plan({
    path: join(folder, 'images'),
    recent: join(folder, photos),
    size: side,
    epochs: 2,
    batch: 32,
    perClass: 8,
    ...params,
  });
  await startRun(environment.client(), environment.store, week, plan, false);
  const result = await environment.result(week);
  const steps = (await queryStatus(environment.client(), week))?.steps ?? [];
  return { result, states: Object.fromEntries(steps.map(({ id, state }) => [id, state])) };
}

const run = (...args: string[]) => runCommand(environment.home, args);

const versionsNow = () => loadVersions(environment.store, 'catalogue');
/** What the webhook was told since it was last asked. */
const toldSince = () => told.splice(0);
const productsIn = async (images: number) => expect(await indexedImages()).toBe(images);
async function indexedImages(): Promise<number | undefined> {
  const index = (await versionsNow()).at(-1)?.index;
  return index && (await readAbout(environment.store, index, indexAboutSchema)).count;
}
const skipped = { pretrain: 'skipped', promote: 'skipped', promoted: 'skipped', 'not-promoted': 'skipped' };

describe('the pipeline that retrains, week after week', () => {
  it('trains nothing where photos are as before, and gives the model an index of all products', {
    timeout: 120_000,
  }, async () => {
    const { result, states } = await retrain('quiet');
    expect(result.drift).toMatchObject({ verdict: 'unchanged', drifted: false });
    expect(states).toMatchObject({ ...skipped, drift: 'done', stale: 'skipped', indexed: 'done', report: 'done' });
    expect((await run('status', 'quiet')).stdout.replaceAll(/\s+/g, ' ')).toContain(
      'unchanged: No difference was found between 36 recent images',
    );
    expect(toldSince()).toEqual([
      'catalogue has a new index of 450 products: version 2, the model of version 1 with an index of 450 images',
    ]);
    const [first, second] = await versionsNow();
    expect(second).toMatchObject({
      encoder: first?.encoder,
      reason: 'the model of version 1 with an index of 450 images',
    });
    expect(second?.run).toBe('first');
    await productsIn(450);
  });

  it('changes nothing where nothing changed, and has no verdict where no photo came', {
    timeout: 120_000,
  }, async () => {
    const { result, states } = await retrain('holidays', 'none');
    expect(result.drift).toMatchObject({ verdict: 'too few', drifted: false, images: 0 });
    expect(states).toMatchObject({ ...skipped, stale: 'skipped', 'take-index': 'done', indexed: 'skipped' });
    expect(toldSince()).toEqual([]);
    expect(await versionsNow()).toHaveLength(2);
    expect(await loadRefusals(environment.store, 'catalogue')).toEqual([]);
  });

  it('retrains where a new product came, and says what came of it', { timeout: 240_000 }, async () => {
    const { result, states } = await retrain('new');
    expect(result.drift).toMatchObject({ verdict: 'drifted', drifted: true });
    expect(states).toMatchObject({ pretrain: 'done', evaluate: 'done', index: 'done', promote: 'done', stale: 'done' });
    const [stale, promotion] = toldSince();
    expect(stale).toMatch(/^Photos have drifted\. .* of the recent images are like no known image/);
    expect(promotion).toMatch(
      result.promote?.promoted === true
        ? /^A new catalogue was promoted, version 3: top1 /
        : /^No new catalogue was promoted, version 2 stays: top1 .*; more is needed$/,
    );
    await productsIn(450);
    expect((await run('status', 'new')).stdout).toContain('drifted:');
  });

  it('learns a class that was labelled, and promotes the model that knows it', { timeout: 240_000 }, async () => {
    await addPhotos(join(folder, 'images', 'class-7'), 7, 150);
    const { result, states } = await retrain('labelled', 'quiet');
    expect(result.drift).toMatchObject({ drifted: false });
    expect(states).toMatchObject({ pretrain: 'done', promote: 'done', stale: 'skipped', indexed: 'skipped' });
    expect(result.promote).toMatchObject({ promoted: true });
    const [promotion] = toldSince();
    expect(promotion).toMatch(
      /^A new catalogue was promoted, version \d: top1 .* Without the \d+ images of class-7, which version \d does not know: [\d.]+ and [\d.]+$/,
    );
    await productsIn(600);
  });

  it('keeps a model that no other is better than, and indexes the new products with it', {
    timeout: 240_000,
  }, async () => {
    const before = (await versionsNow()).at(-1);
    await addPhotos(join(folder, 'images', 'class-0'), 0, 20, 500);
    const { result, states } = await retrain('worse', 'none', { epochs: 1 });
    expect(states).toMatchObject({ pretrain: 'done', promote: 'done', promoted: 'skipped', indexed: 'done' });
    expect(result.promote).toMatchObject({ promoted: false });
    expect(toldSince()).toEqual([
      expect.stringMatching(/^No new catalogue was promoted, version \d stays: top1 .*; more is needed$/),
      expect.stringMatching(
        /^catalogue has a new index of 620 products: version \d, the model of version \d with another index of 620 images$/,
      ),
    ]);
    expect((await versionsNow()).at(-1)).toMatchObject({ encoder: before?.encoder, classifier: before?.classifier });
    await productsIn(620);
  });
});
