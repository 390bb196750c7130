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
import { randomDraws } from '../../datasets/random.ts';
import { loadVersions } from '../../store/index.ts';
import { runCommand } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/** pipelines/retrain.yaml, as it ships, on small images: it retrains when photos have drifted, and only then. */
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
const addPhotos = async (to: string, label: number, count: number) => {
  for (let at = 0; at < count; at++) await addPhoto(to, label, at);
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
async function retrain(week: string) {
  const file = fileURLToPath(new URL('../../pipelines/retrain.yaml', import.meta.url));
  const plan = (await openPipelineFile(file, { runCode: false })).plan({
    path: join(folder, 'images'),
    recent: join(folder, week),
    size: side,
    epochs: 2,
    batch: 32,
    perClass: 8,
  });
  await startRun(environment.client(), environment.store, week, plan, false);
  const result = await environment.result(week);
  const steps = (await queryStatus(environment.client(), week))?.steps ?? [];
  return { result, states: Object.fromEntries(steps.map(({ id, state }) => [id, state])) };
}

const run = (...args: string[]) => runCommand(environment.home, args);

describe('the pipeline that retrains', () => {
  it('trains nothing where photos are as before and no labelled image is new', { timeout: 120_000 }, async () => {
    const { result, states } = await retrain('quiet');
    expect(result.drift).toMatchObject({ verdict: 'unchanged', drifted: false });
    expect(states).toMatchObject({
      drift: 'done',
      pretrain: 'skipped',
      promote: 'skipped',
      stale: 'skipped',
      report: 'done',
    });
    expect((await run('status', 'quiet')).stdout).toContain(
      'unchanged: No difference was found between 36 recent images',
    );
    expect(told).toEqual([]);
  });

  it('retrains where a new product came, tells why, and the new model has an index', { timeout: 240_000 }, async () => {
    const { result, states } = await retrain('new');
    expect(result.drift).toMatchObject({ verdict: 'drifted', drifted: true });
    expect(states).toMatchObject({ pretrain: 'done', evaluate: 'done', index: 'done', promote: 'done', stale: 'done' });
    expect(told[0]).toMatch(/^Photos have drifted\. .* of the recent images are like no known image/);
    expect(told[1]).toMatch(/^catalogue: /);
    const versions = await loadVersions(environment.store, 'catalogue');
    if (result.promote?.promoted === true) expect(versions.at(-1)?.index?.kind).toBe('index');
    expect((await run('status', 'new')).stdout).toContain('drifted:');
  });
});
