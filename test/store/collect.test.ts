import { mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import {
  artifactFolder,
  cacheKey,
  collectGarbage,
  damageIn,
  holdArtifacts,
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

  /** An artifact, made from another, that nothing has named for hours. */
  const old = async () => {
    const origin = await writeArtifact(store, { kind: 'dataset', about: {}, files: [] });
    const made = await artifact('old', { dataset: origin.digest });
    for (const { path } of await store.list('artifacts')) await utimes(store.locate(path), new Date(0), new Date(0));
    return { origin, made };
  };
  /** A store in which something is done once, just before or after a collection condemns. */
  const atCondemning = (when: 'before' | 'after', work: () => unknown): Store => {
    let isDone = false;
    return {
      ...store,
      write: async (path, content) => {
        const text = content instanceof Uint8Array ? new TextDecoder().decode(content) : '';
        const condemns = !isDone && path.startsWith('collecting/') && !text.includes('"condemned":[]');
        if (condemns) isDone = true;
        if (condemns && when === 'before') await work();
        await store.write(path, content);
        if (condemns && when === 'after') await work();
      },
    };
  };

  it('spares what is taken up after it was looked for, with what that was made from', async () => {
    const { origin, made } = await old();
    const other = openStore(folder);
    const busy = atCondemning('before', () => holdArtifacts(other, [made]));
    expect((await collectGarbage(busy, { dryRun: false })).artifacts).toEqual([]);
    expect([await isThere(origin), await isThere(made)]).toEqual([true, true]);
  });

  it('has whoever takes up what is condemned wait, and told that it is gone', async () => {
    const { origin, made } = await old();
    const other = openStore(folder);
    let held: Promise<readonly ArtifactRef[]> | undefined;
    const busy = atCondemning('after', () => {
      held = holdArtifacts(other, [made]);
    });
    expect((await collectGarbage(busy, { dryRun: false })).artifacts).toHaveLength(2);
    expect(await held).toEqual([made]);
    expect([await isThere(origin), await isThere(made)]).toEqual([false, false]);
  });

  it('removes entries whose artifacts are gone', async () => {
    const ref = await artifact('gone');
    await saveCacheEntry(store, entry('gone', ref));
    await rm(store.locate(artifactFolder(ref)), { recursive: true });
    expect((await collectGarbage(store, { dryRun: false })).entries).toHaveLength(1);
    expect(await listCache(store)).toEqual([]);
  });
});
