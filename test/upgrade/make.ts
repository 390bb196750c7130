import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { randomDraws } from '../../datasets/random.ts';
import { openCheckpoints } from '../../store/index.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { runCommand } from '../e2e/command.ts';
import { startTestEnvironment, type TestEnvironment } from '../e2e/environment.ts';
import { releasesFolder } from './formats/files.ts';
import { pack } from './pack.ts';

/**
 * `npm run fixtures`: has this version write what later ones must read, by its own commands, server, worker and trainers, into
 * test/upgrade/releases/. What an earlier version wrote stays: a folder that is there is not written again. `--home <folder>` packs a
 * home in which all was written before.
 */
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')));
const target = fileURLToPath(new URL(`${version.replace(/\.0$/, '')}/`, releasesFolder));
const pipelines = fileURLToPath(new URL('fixtures/', import.meta.url));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** A picture of a class, with noise of its own. */
async function draw(file: string, label: number, at: number, channels: 3 | 1 = 3): Promise<void> {
  const side = 20;
  const [shape, noise] = [randomDraws(1, 'fixture shape', label), randomDraws(2, 'fixture noise', label, at)];
  const pixels = Uint8Array.from({ length: side * side * channels }, (_, place) => {
    const cell =
      12 * Math.floor(place / channels / side / 5) + 3 * (Math.floor(place / channels) % 4) + (place % channels);
    return 0.7 * (shape(cell) >>> 24) + 0.3 * (noise(place) >>> 24);
  });
  await sharp(pixels, { raw: { width: side, height: side, channels } })
    .png()
    .toFile(file);
}

/** Photos of a table with groups and labels, of a folder by class, and others that came later. */
async function drawPhotos(folder: string): Promise<void> {
  const colours = ['red', 'blue'];
  const lines = ['image,label,group,category,colour'];
  await mkdir(join(folder, 'table'));
  await mkdir(join(folder, 'recent'));
  for (const label of [0, 1]) {
    await mkdir(join(folder, 'folder', `class-${label}`), { recursive: true });
    for (let at = 0; at < 60; at++) {
      await draw(join(folder, 'table', `${label}-${at}.png`), label, at);
      lines.push(
        `table/${label}-${at}.png,class-${label},product-${label}-${Math.floor(at / 2)},thing,${colours[at % 2]}`,
      );
    }
    for (let at = 0; at < 24; at++) await draw(join(folder, 'recent', `${label}-${at}.png`), label + 2, at);
    for (let at = 0; at < 8; at++) await draw(join(folder, 'folder', `class-${label}`, `${at}.png`), label, 100 + at);
  }
  await writeFile(join(folder, 'table', 'torn.png'), 'no picture');
  lines.push('table/torn.png,class-0,product-torn,thing,red');
  await writeFile(join(folder, 'photos.csv'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'recent', 'torn.png'), 'no picture');
}

/** Has a training stop within its second epoch, after a parameter was changed in its first. */
async function cancelWithin(environment: TestEnvironment, contrail: Contrail, file: string): Promise<void> {
  const { store, requireWorker } = environment;
  const key = { run: 'cancelled', step: 'pretrain' };
  const handle = environment.client().client.workflow.getHandle(key.run);
  const within = async (epoch: number) =>
    (await openCheckpoints(store, key).names()).filter((name) => name.startsWith(`epoch-00000${epoch}-step-`));
  const until = async (epoch: number, count: number) => {
    while ((await within(epoch)).length < count) {
      requireWorker();
      await sleep(20);
    }
  };
  await contrail('run', file, '--id', key.run, '--detach');
  await until(0, 1);
  // By hand a command comes too late: an epoch takes seconds.
  await handle.executeUpdate(setUpdate, { args: [{ step: key.step, path: 'checkpoint.keep.last', value: 4 }] });
  await until(1, 2);
  await handle.cancel();
  await handle.result().catch(() => undefined);
  if ((await within(1)).length === 0) throw new Error('the training was not stopped within its second epoch');
}

/** Has an embedding stop when some of its shards are done. */
async function cancelEmbedding(
  { store, client }: TestEnvironment,
  contrail: Contrail,
  args: readonly string[],
): Promise<void> {
  await contrail('run', ...args, '--id', 'embedding', '--detach');
  const folder = 'runs/embedding/steps/embed/embedding';
  const done = async () => (await store.list(folder)).filter(({ path }) => path.includes('/outcome-')).length;
  while ((await done()) === 0) await sleep(10);
  const handle = client().client.workflow.getHandle('embedding');
  await handle.cancel();
  await handle.result().catch(() => undefined);
  if ((await done()) === 0) throw new Error('the embedding was done before it was cancelled');
}

type Contrail = (...args: string[]) => Promise<string>;

async function write(environment: TestEnvironment, files: string): Promise<void> {
  const { home, store } = environment;
  const contrail: Contrail = async (...args) => {
    say(`contrail ${args.join(' ')}`);
    const { code, stdout, stderr } = await runCommand(home, args);
    if (code !== 0) throw new Error(`contrail ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const file = (name: string) => join(files, name);
  await cancelWithin(environment, contrail, file('cancelled.yaml'));
  await contrail('run', file('complete.yaml'), '--id', 'complete');
  await contrail(
    'run',
    file('photos.yaml'),
    '--id',
    'photos',
    '--set',
    `table=${file('photos.csv')}`,
    '--set',
    `recent=${file('recent')}`,
  );
  await contrail('run', file('sweep.yaml'), '--id', 'sweep');
  await contrail('fork', 'cancelled', '--from', 'pretrain@1', '--id', 'forked');
  await contrail('index', 'build', 'catalogue');
  await contrail('index', 'remove', 'catalogue', '--label', 'class-2');
  await runCommand(home, [
    'models',
    'promote',
    'complete',
    '--step',
    'evaluate-baseline',
    '--model',
    'catalogue',
    '--margin',
    '0.9',
  ]);
  await cancelEmbedding(environment, contrail, [file('embedding.yaml'), '--set', `recent=${file('recent')}`]);
  await contrail('run', file('folder.yaml'), '--id', 'folder', '--set', `path=${file('folder')}`);
  await contrail('dataset', 'forget', file('folder/class-0/0.png'), '--yes');
  await contrail(
    'schedule',
    'create',
    file('folder.yaml'),
    '--id',
    'monthly',
    '--every',
    '30d',
    '--only-if-changed',
    'data',
    '--set',
    `path=${file('folder')}`,
  );
  await contrail('schedule', 'trigger', 'monthly');
  while (!(await store.exists('schedules/monthly/last-completed.json'))) await sleep(200);
}

if (existsSync(target)) {
  say(`${target} is there already: what a release wrote is not written again.`);
  process.exit(1);
}
const { values } = parseArgs({ options: { home: { type: 'string' } } });
if (values.home !== undefined) {
  await pack(values.home, target);
  say(`Wrote ${target}`);
  process.exit(0);
}
const environment = await startTestEnvironment(['--own-steps']);
const { home } = environment;
const work = join(home.folder, 'fixtures');
try {
  await cp(pipelines, work, { recursive: true });
  await drawPhotos(work);
  await write(environment, work);
  await pack(home.folder, target);
  say(`Wrote ${target}`);
} finally {
  await environment.stop();
}
