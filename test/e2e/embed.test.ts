import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { addVersion, readAbout } from '../../store/index.ts';
import { readShardRows, readVectors } from '../../vectors/shards.ts';
import { type PauseRequest, pauseUpdate, statusQuery, unpauseUpdate } from '../../workflows/messages.ts';
import { randomMoment } from '../random.ts';
import { runCommand } from './command.ts';
import { embeddingPipeline, trained, trainedPipeline, writePhotos } from './embedded-photos.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/**
 * Hundreds of images are embedded while the worker and its trainers are killed with SIGKILL. Every image has its vector once, and the
 * bytes are those of a run that nothing happened to.
 */
let environment: TestEnvironment;
let folder: string;
const images = 240;
const shardImages = 20;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const embedding = () => embeddingPipeline(join(folder, 'photos'), { shardImages, atOnce: 3 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-photos-'));
  await writePhotos(join(folder, 'photos'), images, (at) => (at % 2 === 0 ? `${at}.png` : `some/${at}.png`));
  await writeFile(join(folder, 'photos', 'notes.txt'), 'no image');
  environment = await startTestEnvironment();
  await environment.start(trained, trainedPipeline);
  await environment.result(trained);
}, 180_000);

afterAll(async () => {
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Shards of a run that are done. */
async function doneShards(run: string): Promise<number> {
  const files = await environment.store.list(`runs/${run}/steps/embed/embedding`);
  return files.filter(({ path }) => path.includes('/outcome-')).length;
}

async function untilShards(run: string, wanted: number): Promise<void> {
  while ((await doneShards(run)) < wanted) await sleep(20);
  await sleep(randomMoment(run, wanted, 200));
}

async function vectorsOf(run: string) {
  const { embed } = await environment.result(run);
  const ref = embed?.vectors as ArtifactRef;
  const about = await readAbout(environment.store, ref, vectorsAboutSchema);
  const rows = [];
  for (const shard of about.shards) rows.push(...(await readShardRows(environment.store, ref, shard)));
  return { ref, about, rows, result: embed };
}

/** What was embedded is forgotten, so that the next run embeds all of it. */
const forgetEmbedded = () => rm(environment.store.locate('embedded'), { recursive: true, force: true });

describe('an embedding whose processes are killed', () => {
  it('has every vector once, and the same bytes as one that nothing happened to', { timeout: 300_000 }, async () => {
    await environment.start('killed', embedding());
    await untilShards('killed', 1);
    await environment.killTrainer('killed');
    await untilShards('killed', 3);
    await environment.killWorker();
    await untilShards('killed', 6);
    await environment.killTrainer('killed');
    const killed = await vectorsOf('killed');
    expect(killed.result).toMatchObject({ images, found: images + 1, rejected: 1, shards: images / shardImages });
    expect(new Set(killed.rows.map(({ name }) => name)).size).toBe(images);

    await forgetEmbedded();
    await environment.start('undisturbed', embedding());
    const undisturbed = await vectorsOf('undisturbed');
    expect(killed.ref).toEqual(undisturbed.ref);
    expect(await environment.store.list('runs/undisturbed/steps/embed/embedding')).toEqual([]);
    await recordHistory(environment, 'undisturbed/embed', 'embedding-complete');
  });

  it('goes on with what it has after it was cancelled', { timeout: 180_000 }, async () => {
    await forgetEmbedded();
    await environment.start('cancelled', embedding());
    await untilShards('cancelled', 2);
    await environment.client().client.workflow.getHandle('cancelled').cancel();
    await expect(environment.result('cancelled')).rejects.toThrow();
    const before = await doneShards('cancelled');
    await environment.start('cancelled', embedding(), true);
    expect((await vectorsOf('cancelled')).ref).toEqual((await vectorsOf('undisturbed')).ref);
    expect(before).toBeGreaterThanOrEqual(2);
  });
});

describe('an embedding that counts on a damaged file of an earlier one', () => {
  it('embeds anew what was in it', { timeout: 180_000 }, async () => {
    const { ref } = await vectorsOf('undisturbed');
    const path = `artifacts/vectors/${ref.digest}/vectors-00003.safetensors`;
    const whole = await environment.store.read(path);
    await environment.store.write(
      path,
      whole.map((byte, at) => (at === whole.length - 1 ? byte ^ 255 : byte)),
    );
    await environment.start('damaged', embedding());
    expect((await vectorsOf('damaged')).ref).toEqual(ref);
    expect(await environment.store.read(path)).toEqual(whole);
    await recordHistory(environment, 'damaged/embed', 'embedding-planned-again');
  });
});

describe('an embedding that is paused', () => {
  it('begins no other shard until it goes on', { timeout: 180_000 }, async () => {
    await forgetEmbedded();
    await environment.start('paused', embedding());
    await untilShards('paused', 1);
    const handle = environment.client().client.workflow.getHandle('paused');
    const steps: { args: [PauseRequest] } = { args: [{ steps: ['embed'] }] };
    expect(await handle.executeUpdate(pauseUpdate, steps)).toEqual(['embed']);
    const stateOf = async () => (await handle.query(statusQuery)).steps.find(({ id }) => id === 'embed')?.state;
    while ((await stateOf()) !== 'paused') await sleep(200);
    const before = await doneShards('paused');
    expect(before).toBeLessThan(images / shardImages);
    await sleep(1500);
    expect(await doneShards('paused')).toBe(before);
    expect(await handle.executeUpdate(unpauseUpdate, steps)).toEqual(['embed']);
    expect((await vectorsOf('paused')).ref).toEqual((await vectorsOf('undisturbed')).ref);
  });
});

describe('contrail embed', () => {
  const to = (name: string) => join(folder, name);
  const photos = () => join(folder, 'photos');
  let rows: Awaited<ReturnType<typeof vectorsOf>>['rows'];
  let values: Float32Array;
  let about: Awaited<ReturnType<typeof vectorsOf>>['about'];

  beforeAll(async () => {
    const found = await vectorsOf('undisturbed');
    ({ rows, about } = found);
    values = new Float32Array(about.count * about.dimension);
    let at = 0;
    for (const shard of about.shards) {
      values.set(await readVectors(environment.store, found.ref, shard, about.dimension), at * about.dimension);
      at += shard.count;
    }
  });

  it('writes Parquet with a list of float32 for each image, and says what it is of', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await runCommand(environment.home, [
      ...['embed', 'trained', photos(), '--to', to('out.parquet'), '--shard-images', '50'],
    ]);
    expect([code, stdout.trim()], stderr).toEqual([0, to('out.parquet')]);
    expect(stderr).toContain('240 images, 1 file rejected, without classes');
    expect(stderr).toMatch(/numbers each, by trained\/pretrain\.$/m);
    expect(stderr).toMatch(/Rejected:\n {2}1 .*: notes\.txt/);
    const file = await asyncBufferFromFile(to('out.parquet'));
    const { key_value_metadata: pairs = [], row_groups: groups } = await parquetMetadataAsync(file);
    expect(JSON.parse(pairs.find(({ key }) => key === 'contrail')?.value ?? '{}')).toMatchObject({
      model: 'trained/pretrain',
      version: null,
      encoder: about.encoder,
      count: images,
      rejected: 1,
    });
    expect(groups.map(({ num_rows: count }) => Number(count))).toEqual([50, 50, 50, 50, 40]);
    const read = (await parquetReadObjects({ file })) as Record<string, unknown>[];
    expect(read.map(({ name, sha256 }) => [name, sha256])).toEqual(rows.map(({ name, source }) => [name, source]));
    expect(read.flatMap(({ embedding }) => embedding as number[])).toEqual([...values]);
    expect(read[0]?.label).toBeNull();
  });

  it('writes for NumPy, with the names in a CSV beside it', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await runCommand(environment.home, [
      ...['embed', 'trained', photos(), '--to', to('made/out.npy'), '--labels', 'folder', '--json'],
    ]);
    expect(code, stderr).toBe(0);
    const files = ['npy', 'csv', 'json'].map((ending) => to(`made/out.${ending}`));
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ files, images, labels: 'folder' });
    const bytes = await readFile(to('made/out.npy'));
    const length = bytes.readUInt16LE(8);
    expect(bytes.subarray(0, 6).toString('latin1')).toBe('\x93NUMPY');
    expect(bytes.subarray(10, 10 + length).toString()).toContain(`'shape': (${images}, ${about.dimension},)`);
    expect((10 + length) % 64).toBe(0);
    expect(bytes.subarray(10 + length)).toEqual(Buffer.from(values.buffer));
    const lines = (await readFile(to('made/out.csv'), 'utf8')).trimEnd().split('\n');
    expect(lines[0]).toBe('name,label,group,category,split,sha256');
    expect(lines.slice(1)).toEqual(
      rows.map(({ name, source }) => `${name},${name.startsWith('some/') ? 'some' : ''},,,,${source}`),
    );
    expect(JSON.parse(await readFile(to('made/out.json'), 'utf8'))).toMatchObject({ count: images });
  });

  it('writes no file that is there, and starts nothing for a model that is not', { timeout: 60_000 }, async () => {
    const before = await readFile(to('out.parquet'));
    const there = await runCommand(environment.home, ['embed', 'trained', photos(), '--to', to('out.parquet')]);
    expect(there).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
    expect(await readFile(to('out.parquet'))).toEqual(before);
    const csv = await runCommand(environment.home, ['embed', 'trained', photos(), '--to', to('out.csv')]);
    expect(csv).toMatchObject({ code: 2, stderr: expect.stringContaining('not written as .csv') });
    const model = await runCommand(environment.home, ['embed', photos(), '--model', 'none', '--to', to('x')]);
    expect(model).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no model none') });
    const nothing = await runCommand(environment.home, ['embed', photos(), '--to', to('x')]);
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('either a run, or a model') });
  });

  it('goes on with a failed run of the same model alone: not of another encoder, nor one that was removed', {
    timeout: 180_000,
  }, async () => {
    const promote = (version: number, encoder: ArtifactRef) =>
      addVersion(environment.store, {
        ...{ model: 'shirts', version, run: 'trained', step: 'promote', encoder, classifier: null },
        evaluation: { kind: 'retrieval', digest: '0'.repeat(64) },
        ...{ metrics: { recallAt1: 0.5 }, testSet: '1'.repeat(64), reason: 'for a test' },
      });
    const embed = async () => {
      const words = [
        ...['embed', photos(), '--model', 'shirts', '--to', to('of-model.npy')],
        '--maximum-rejected',
        '0',
      ];
      const { code, stderr } = await runCommand(environment.home, words);
      expect(code, stderr).toBe(1);
      return /^(Started|Resumed) (embed-[\w-]+)/m.exec(stderr)?.slice(1) ?? [stderr];
    };
    await promote(1, about.encoder);
    const [first, run = ''] = await embed();
    expect([first, await embed()]).toEqual(['Started', ['Resumed', run]]);
    await promote(2, { kind: 'encoder', digest: '2'.repeat(64) });
    const [other, another] = await embed();
    expect([other, another === run]).toEqual(['Started', false]);
    await promote(3, about.encoder);
    expect(await embed()).toEqual(['Resumed', run]);
    expect((await runCommand(environment.home, ['rm', run, '--yes'])).code).toBe(0);
    expect((await embed())[0]).toBe('Started');
  });
});
