import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import {
  acquireLease,
  artifactFolder,
  bytesOf,
  checkStore,
  copyStore,
  digestOf,
  emptyArtifact,
  identityOf,
  openCheckpoints,
  openStore,
  type Store,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import type { BadNetwork } from '../s3/proxy.ts';
import { type S3Server, whyNoS3Server } from '../s3/server.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-check-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const key = { run: 'run', step: 'pretrain' };
let number = 0;
let store: Store;
let artifact: ArtifactRef;
let checkpoint: string;

beforeEach(async () => {
  store = openStore(join(root, String(number++)));
  await identityOf(store);
  artifact = await writeArtifact(store, {
    ...{ kind: 'dataset', about: { of: 'test' } },
    files: ['a', 'b'].map((path) => ({ path, content: Buffer.alloc(100_000, path) })),
  });
  const lease = await acquireLease(store, key, 'me');
  for (const epoch of [1, 2])
    await openCheckpoints(store, key).commit(lease, {
      ...{ epoch, step: 0, config: {}, best: { epoch: 1, loss: 1 }, metadata: {} },
      metrics: { loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 },
      tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(epoch)) }],
    });
  checkpoint = `runs/run/steps/pretrain/checkpoints/epoch-000002-t1`;
  await store.write('runs/run/plan.json', Buffer.from('{}'));
  await store.write('of/another/version', Buffer.from('kept'));
});

/** Every file with its digest. */
const contents = async (of: Store) =>
  Object.fromEntries(
    await Promise.all(
      (await of.everything()).map(async ({ path }) => [path, digestOf(await of.read(path)).sha256] as const),
    ),
  );

describe('a check of a store', () => {
  it('counts what is whole', async () => {
    const seen: number[] = [];
    const found = await checkStore(store, { onProgress: ({ done, total }) => seen.push(done / total) });
    expect(found).toMatchObject({ artifacts: 1, checkpoints: 2, problems: [], orphans: [] });
    expect(Math.max(...seen)).toBeLessThanOrEqual(1);
  });

  it('names each file that is damaged, missing or another, and goes on', async () => {
    const at = (path: string) => store.locate(path);
    await truncate(at(`${artifactFolder(artifact)}/a`), 10);
    await rm(at(`${artifactFolder(artifact)}/b`));
    await writeFile(at(`${checkpoint}/state.safetensors`), 'other');
    await writeFile(at('runs/run/steps/pretrain/checkpoints/epoch-000001-t1/manifest.json'), '{');
    const { problems } = await checkStore(store);
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).toMatch(/\/a is damaged: expected 100000 bytes, found 10/);
    expect(problems.join('\n')).toMatch(/\/b is damaged: expected a file, found none/);
    expect(problems.join('\n')).toMatch(/epoch-000002-t1\/state\.safetensors is damaged/);
    expect(problems.join('\n')).toMatch(/epoch-000001-t1: manifest\.json is cut short/);
  });

  it('names the step that made what is damaged, not one that took it, and the command that makes it again', async () => {
    const result = { dataset: { ...artifact } };
    const given = `{"inputs":{"dataset":{"digest":"${artifact.digest}"}}}`;
    const save = (run: string, step: string, fingerprint: string, at: string) =>
      saveStepResult(store, { run, step }, { fingerprint, result, finishedAt: `2026-01-0${at}T00:00:00.000Z` });
    await save('later', 'data', '{}', '3');
    await save('first', 'data', '{}', '2');
    await save('given', 'embed', given, '1');
    await saveStepResult(store, { run: 'before', step: 'data' }, { fingerprint: '{}', result });
    const unnamed = await writeArtifact(store, {
      ...{ kind: 'encoder', about: { of: 'nobody' } },
      files: [{ path: 'a', content: Buffer.from('a') }],
    });
    expect((await checkStore(store)).remedies).toEqual([]);
    await truncate(store.locate(`${artifactFolder(artifact)}/a`), 10);
    await writeFile(store.locate(`${artifactFolder(unnamed)}/manifest.json`), '{');
    const { remedies } = await checkStore(store);
    expect(remedies).toHaveLength(2);
    expect(remedies).toContain(
      `The dataset ${artifact.digest} was made by data of first: \`contrail resume first\` makes it again.`,
    );
    expect(remedies.join('\n')).toMatch(/No run has a step that made the encoder/);
  });

  it('lists files that no manifest names, and holds none for missing that was removed for good', async () => {
    await store.write(`${artifactFolder(artifact)}/stray`, Buffer.from('x'));
    await store.write('runs/run/steps/pretrain/checkpoints/epoch-000003-t2/state.safetensors', Buffer.from('x'));
    await emptyArtifact(store, artifact, { files: ['a'], at: '2026-01-01T00:00:00.000Z' });
    const { problems, orphans } = await checkStore(store);
    expect(problems).toEqual([]);
    expect(orphans.map(({ path }) => path)).toEqual([
      `${artifactFolder(artifact)}/stray`,
      'runs/run/steps/pretrain/checkpoints/epoch-000003-t2/state.safetensors',
    ]);
  });
});

describe('a copy of a store', () => {
  it('has every file, and only what changed is copied again', async () => {
    const other = openStore(join(root, String(number++)));
    const files = (await store.everything()).length;
    expect(await copyStore(store, other)).toMatchObject({ copied: files, kept: 0 });
    expect(await contents(other)).toEqual(await contents(store));
    await store.write('runs/run/plan.json', Buffer.from('[]'));
    expect(await copyStore(store, other)).toMatchObject({ copied: 1, kept: files - 1 });
    expect(await contents(other)).toEqual(await contents(store));
    expect(await checkStore(other)).toMatchObject({ problems: [], orphans: [] });
  });

  it('is whole at any moment, and no store before it is complete', async () => {
    const folder = join(root, String(number++));
    const files = (await store.everything()).length;
    for (let after = 1; after < files; after++) {
      const other = openStore(folder);
      let left = after;
      const breaking: Store = {
        ...other,
        write: async (path, content) => {
          if (left-- === 0) throw new Error('the disk is away');
          await other.write(path, content);
        },
      };
      await expect(copyStore(store, breaking)).rejects.toThrow('the disk is away');
      expect((await checkStore(other)).problems).toEqual([]);
      expect(await other.exists('store.json')).toBe(false);
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is not made in a store that is another', async () => {
    const other = openStore(join(root, String(number++)));
    await identityOf(other);
    await expect(copyStore(store, other)).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

const missing = await whyNoS3Server();
describe.skipIf(missing)(`a copy on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  let network: BadNetwork;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ server, network, stop } = await startS3BehindNetwork());
  });
  afterAll(() => stop?.());

  it('there and back is the same store, though it was interrupted', async () => {
    const remote = openStore(server.storeUrl('copy'));
    let count = 0;
    network.decide = ({ method }) => (method === 'PUT' && count++ > 8 ? { answer: 403, code: 'AccessDenied' } : null);
    await expect(copyStore(store, remote)).rejects.toMatchObject({ code: 'StoreUnreadable' });
    expect((await checkStore(remote)).problems).toEqual([]);
    network.decide = () => null;
    const { kept } = await copyStore(store, remote);
    expect(kept).toBeGreaterThan(0);
    const back = openStore(join(root, String(number++)));
    await copyStore(remote, back);
    expect(await contents(back)).toEqual(await contents(store));
    expect(await checkStore(remote)).toMatchObject({ artifacts: 1, checkpoints: 2, problems: [], orphans: [] });
  });
});
