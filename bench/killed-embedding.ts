import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { connect, ownServer } from '../cli/connection.ts';
import { addressOf } from '../cli/dev-record.ts';
import { freePorts, startDevServer, startWorkerProcess, stopDevServer } from '../cli/dev-server.ts';
import { superviseChild } from '../cli/processes.ts';
import { startRun } from '../cli/runs.ts';
import { artifactRefSchema } from '../contracts/artifacts.ts';
import { vectorsAboutSchema } from '../contracts/vectors.ts';
import { randomUint32 } from '../datasets/index.ts';
import { openHome } from '../home/home.ts';
import { parsePipeline } from '../pipelines/language/index.ts';
import { loadStepResults, openStore, readAbout, type Store } from '../store/index.ts';
import { readShardRows } from '../vectors/shards.ts';
import { withFolder } from './folder.ts';

const kills = 10;
/** So many shards, whatever the number of images: kills hit them at different places. */
const wantedShards = 100;
const side = 32;

/**
 * Embeds images while trainer and worker are killed in turn, ten times in all, and again without a kill: whether every image
 * has its vector once, whether the bytes are the same, and what the kills cost.
 *
 * @param only how many images; 50,000 where empty
 */
export const benchKilledEmbedding = (only: string): Promise<object[]> =>
  withFolder(async (folder) => {
    const images = only === '' ? 50_000 : Number(only);
    if (!Number.isInteger(images) || images < 1) throw new Error(`--only must be a number of images, not ${only}`);
    const photos = join(folder, 'photos');
    await writePhotos(photos, images);
    const shardImages = Math.ceil(images / wantedShards);
    const shards = Math.ceil(images / shardImages);
    const home = openHome({ CONTRAIL_HOME: join(folder, 'home') });
    const store = openStore(home.storeUrl);
    const started = await startDevServer(home, freePorts);
    const server = ownServer(started);
    const startWorker = () => startWorkerProcess(home, addressOf(started), []);
    let worker = startWorker();
    const client = await connect(home, server);
    const start = (run: string, text: string) =>
      startRun(client, store, run, parsePipeline({ text, file: `${run}.yaml` }), false);
    const ended = (run: string) => client.client.workflow.getHandle(run).result();
    try {
      await start('trained', training);
      await ended('trained');
      const embed = async (run: string, disturb: (run: string) => Promise<number>) => {
        const begun = performance.now();
        await start(run, embedding(photos, shardImages));
        const [killed] = await Promise.all([disturb(run), ended(run)]);
        const seconds = (performance.now() - begun) / 1000;
        const ref = artifactRefSchema.parse((await loadStepResults(store, run)).embed?.result.vectors);
        return { killed, seconds, ref };
      };
      const killed = await embed('killed', async (run) => {
        for (let kill = 0; kill < kills; kill++) {
          await untilDone(store, run, Math.floor(((kill + 1) * shards) / (kills + 2)));
          await sleep(randomUint32(kill, 'moment') % 1000);
          if (kill % 2 === 0) await killTrainer(run);
          else {
            worker.kill('SIGKILL');
            await superviseChild(worker).ended;
            worker = startWorker();
          }
          process.stderr.write(
            `embed: kill ${kill + 1} of ${kills}, of the ${kill % 2 === 0 ? 'trainer' : 'worker'}\n`,
          );
        }
        return kills;
      });
      // Else the second run would take over what the first embedded.
      await rm(store.locate('embedded'), { recursive: true });
      const undisturbed = await embed('undisturbed', async () => 0);
      const names = await namesOf(store, killed.ref);
      return [
        {
          images,
          shards,
          kills: killed.killed,
          vectors: names.length,
          'different names': new Set(names).size,
          'same bytes as undisturbed': killed.ref.digest === undisturbed.ref.digest,
          'seconds, killed': killed.seconds,
          'seconds, undisturbed': undisturbed.seconds,
          'images/s, undisturbed': images / undisturbed.seconds,
        },
      ];
    } finally {
      worker.kill('SIGTERM');
      await superviseChild(worker).ended;
      await client.close();
      await stopDevServer(home, started);
    }
  });

const training = `
name: trained
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 400, channels: 3 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }, projection: { hidden: 16, output: 8 }, batch: 32, epochs: 1 }
`;

const embedding = (photos: string, shardImages: number) => `
name: embedding
steps:
  model: { uses: use-model, with: { run: trained } }
  embed:
    uses: embed-images
    needs: [model]
    with: { images: { path: ${photos} }, shardImages: ${shardImages} }
`;

/** Images of noise, no two the same, in folders of a thousand. */
async function writePhotos(folder: string, count: number): Promise<void> {
  const atOnce = 8;
  for (let first = 0; first < count; first += 1000) {
    const own = join(folder, String(first / 1000));
    await mkdir(own, { recursive: true });
    for (let at = first; at < Math.min(count, first + 1000); at += atOnce)
      await Promise.all(
        Array.from({ length: Math.min(atOnce, count - at) }, (_, place) => writePhoto(own, at + place)),
      );
  }
}

const writePhoto = (folder: string, number: number) =>
  sharp(
    Uint8Array.from({ length: side * side * 3 }, (_, at) => (number * 2654435761 + (at % 89) * 40503 * number) >>> 13),
    { raw: { width: side, height: side, channels: 3 } },
  )
    .composite([
      {
        input: Buffer.from([number & 255, (number >> 8) & 255, number >> 16]),
        raw: { width: 1, height: 1, channels: 3 },
        left: 0,
        top: 0,
      },
    ])
    .png()
    .toFile(join(folder, `${number}.png`));

/** Waits until so many shards of a run are done. */
async function untilDone(store: Store, run: string, shards: number): Promise<void> {
  const isDone = async () =>
    (await store.list(`runs/${run}/steps/embed/embedding`)).filter(({ path }) => path.includes('/outcome-')).length >=
    shards;
  while (!(await isDone())) await sleep(200);
}

/** Kills a trainer of a run, once one runs. */
async function killTrainer(run: string): Promise<void> {
  for (;;) {
    const trainer = readdirSync('/proc').find(
      (name) => /^\d+$/.test(name) && titleOf(name).startsWith(`contrail trainer ${run}/`),
    );
    if (trainer !== undefined) return void process.kill(Number(trainer), 'SIGKILL');
    await sleep(50);
  }
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function namesOf(store: Store, ref: ReturnType<typeof artifactRefSchema.parse>): Promise<string[]> {
  const { shards } = await readAbout(store, ref, vectorsAboutSchema);
  const names: string[] = [];
  for (const shard of shards) names.push(...(await readShardRows(store, ref, shard)).map(({ name }) => name));
  return names;
}
