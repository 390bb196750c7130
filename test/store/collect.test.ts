import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import {
  artifactFolder,
  cacheKey,
  collectGarbage,
  damageIn,
  listCache,
  loadCacheEntry,
  openStore,
  type Store,
  saveCacheEntry,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-collect-'));
  store = openStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const artifact = (content: string, about: object = {}) =>
  writeArtifact(store, {
    kind: 'encoder',
    about,
    files: [{ path: 'weights', content: new TextEncoder().encode(content) }],
  });
const entry = (fingerprint: string, encoder: ArtifactRef) => ({
  fingerprint,
  result: { encoder: { ...encoder } },
  run: 'run',
  step: 'pretrain',
  createdAt: '2026-01-01T00:00:00.000Z',
});
const weights = (ref: ArtifactRef) => store.locate(`${artifactFolder(ref)}/weights`);
const inTwoHours = () => Date.now() + 2 * 60 * 60 * 1000;
const isThere = (ref: ArtifactRef) => store.exists(`${artifactFolder(ref)}/manifest.json`);

describe('the cache', () => {
  it('gives an entry by its fingerprint, and names one that is damaged', async () => {
    await saveCacheEntry(store, entry('{"uses":"pretrain"}', await artifact('a')));
    expect(await loadCacheEntry(store, '{"uses":"pretrain"}')).toMatchObject({ run: 'run', step: 'pretrain' });
    expect(await loadCacheEntry(store, '{"uses":"evaluate"}')).toBeNull();
    await writeFile(store.locate(`cache/${cacheKey('{"uses":"pretrain"}')}.json`), '{');
    const problem = { code: 'CorruptArtifact', message: expect.stringMatching(/\.json is damaged.*contrail cache rm/) };
    await expect(loadCacheEntry(store, '{"uses":"pretrain"}')).rejects.toMatchObject(problem);
    const problems: string[] = [];
    expect(await listCache(store, (each) => problems.push(each))).toEqual([]);
    expect(problems).toEqual([problem.message]);
  });

  it('sees that an artifact is damaged or gone', async () => {
    const ref = await artifact('whole');
    expect(await damageIn(store, { nested: [{ ref }] })).toBeNull();
    await writeFile(weights(ref), 'wrong');
    expect(await damageIn(store, { nested: [{ ref }] })).toMatch(/is damaged: expected SHA-256/);
    await truncate(weights(ref), 2);
    expect(await damageIn(store, { ref })).toMatch(/expected 5 bytes, found 2/);
    await rm(weights(ref));
    expect(await damageIn(store, { ref })).toMatch(/expected a file, found none/);
  });
});

describe('collecting garbage', () => {
  it('removes what nothing names, and keeps what runs, entries, models and kept artifacts name', async () => {
    const [ofRun, ofEntry, ofModel, unnamed] = await Promise.all(
      ['run', 'entry', 'model', 'unnamed!'].map((text) => artifact(text)),
    );
    if (!ofRun || !ofEntry || !ofModel || !unnamed) throw new Error('there are four');
    const madeFrom = await artifact('made from');
    const outer = await artifact('outer', { encoder: madeFrom });
    await saveStepResult(
      store,
      { run: 'r', step: 's' },
      { fingerprint: '{}', result: { encoder: { ...ofRun }, outer: { ...outer } } },
    );
    await saveCacheEntry(store, entry('kept', ofEntry));
    await store.write('models/m/versions/000001.json', new TextEncoder().encode(JSON.stringify({ encoder: ofModel })));
    const planned = await collectGarbage(store, { dryRun: true, now: inTwoHours() });
    expect(planned.artifacts).toEqual([{ kind: 'encoder', digest: unnamed.digest, bytes: planned.bytes }]);
    expect(await isThere(unnamed)).toBe(true);
    expect(await collectGarbage(store, { dryRun: false, now: inTwoHours() })).toEqual(planned);
    expect(await isThere(unnamed)).toBe(false);
    for (const ref of [ofRun, ofEntry, ofModel, outer, madeFrom]) expect(await isThere(ref)).toBe(true);
  });

  it('keeps the data set that the encoder of a model was trained on, until nothing names the encoder any more', async () => {
    const dataset = await writeArtifact(store, { kind: 'dataset', about: {}, files: [] });
    const encoder = await artifact('encoder', { dataset: dataset.digest });
    const version = 'models/m/versions/000001.json';
    await store.write(version, new TextEncoder().encode(JSON.stringify({ encoder })));
    await collectGarbage(store, { dryRun: false, now: inTwoHours() });
    expect([await isThere(dataset), await isThere(encoder)]).toEqual([true, true]);
    await store.remove(version);
    await collectGarbage(store, { dryRun: false, now: inTwoHours() });
    expect([await isThere(dataset), await isThere(encoder)]).toEqual([false, false]);
  });

  it('leaves what was written within the hour, whose step may not have recorded it yet', async () => {
    const young = await artifact('young');
    expect((await collectGarbage(store, { dryRun: false })).artifacts).toEqual([]);
    expect(await isThere(young)).toBe(true);
  });

  it('removes entries whose artifacts are gone', async () => {
    const ref = await artifact('gone');
    await saveCacheEntry(store, entry('gone', ref));
    await rm(store.locate(artifactFolder(ref)), { recursive: true });
    expect((await collectGarbage(store, { dryRun: false })).entries).toHaveLength(1);
    expect(await listCache(store)).toEqual([]);
  });
});
