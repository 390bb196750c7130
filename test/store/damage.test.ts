import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArtifactRef, artifactRefSchema } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { evaluationAboutSchema } from '../../contracts/evaluation.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import {
  acquireLease,
  addVersion,
  artifactFolder,
  bytesOf,
  cacheKey,
  collectGarbage,
  digestOfJson,
  jsonBytes,
  listCache,
  listLeases,
  loadCacheEntry,
  loadChanges,
  loadEpochMetrics,
  loadLastCompleted,
  loadPlan,
  loadRefusals,
  loadRunRecord,
  loadScheduleDefinition,
  loadStepResult,
  loadVersions,
  openCheckpoints,
  openRunLog,
  openStore,
  readAbout,
  readArtifact,
  readRunLog,
  recordRun,
  type Store,
  saveCacheEntry,
  saveChanges,
  saveEpochMetrics,
  saveLastCompleted,
  savePlan,
  saveScheduleDefinition,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';

/**
 * A store that somebody damages: files that end too soon, disks and shares that fail. What cannot be read is never taken for
 * absent, and whoever reads it is told which file it was.
 */
const root = await mkdtemp(join(tmpdir(), 'contrail-damage-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const store = openStore(root);
const key = { run: 'run', step: 'pretrain' };
const fingerprint = '{"uses":"pretrain"}';
const plan = parsePipeline({
  text: 'name: p\nsteps:\n  pretrain: { uses: prepare-data, with: { dataset: generated } }',
  file: 'p.yaml',
});
const source = { file: 'p.yaml', text: 'name: p' };
const inTwoHours = () => Date.now() + 2 * 60 * 60 * 1000;

let live: readonly ArtifactRef[] = [];
let garbage: ArtifactRef;
let definition = '';
const refusalPath = 'models/m/refused/run/promote.json';

const artifact = (kind: 'encoder' | 'dataset' | 'evaluation', about: object = {}) =>
  writeArtifact(store, {
    kind,
    about,
    files: [{ path: 'a.bin', content: Buffer.from(JSON.stringify([kind, about])) }],
  });

beforeAll(async () => {
  const dataset = await artifact('dataset');
  const [ofRun, ofEntry, ofModel] = [
    await artifact('encoder', { of: 'run', dataset }),
    await artifact('encoder', { of: 'entry' }),
    await artifact('encoder', { of: 'model' }),
  ];
  const evaluation = await artifact('evaluation');
  garbage = await artifact('encoder', { of: 'nothing' });
  live = [dataset, ofRun, ofEntry, ofModel, evaluation];
  await savePlan(store, 'run', plan);
  await recordRun(store, { run: 'run', pipeline: 'p', params: {}, createdAt: '2026-01-01T00:00:00.000Z', source });
  await saveStepResult(store, key, { fingerprint, result: { encoder: { ...ofRun } } });
  await saveEpochMetrics(store, key, { epoch: 1, loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 });
  await saveChanges(store, key, []);
  await openRunLog(store, 'run', 'writer').append([
    { time: '2026-01-01T00:00:00.000Z', level: 'info', ...key, source: 'worker', message: 'hello' },
  ]);
  await saveCacheEntry(store, {
    fingerprint,
    result: { encoder: { ...ofEntry } },
    run: 'other',
    step: 'pretrain',
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  const candidate = {
    ...{ run: 'run', step: 'promote', encoder: ofModel, classifier: ofModel, evaluation },
    ...{ metrics: { top1: 1, top5: 1, macroF1: 1, knn: 1 }, testSet: digestOfJson(1) },
  };
  await addVersion(store, { ...candidate, model: 'm', version: 1, reason: 'the first model of this name' });
  await store.write(
    refusalPath,
    jsonBytes({
      ...{ format: 'contrail-refusal/1', model: 'm', run: 'run', step: 'promote', version: 1, reason: 'worse' },
      ...{ before: 1, after: 0, at: '2026-01-01T00:00:00.000Z' },
    }),
  );
  const config = { every: '6h', timezone: 'UTC', overlap: 'skip', catchUp: '1h' } as never;
  definition = await saveScheduleDefinition(store, {
    format: 'contrail-schedule/1',
    schedule: 's',
    plan,
    source,
    config,
  });
  await saveLastCompleted(store, 's', { run: 'run', plan: digestOfJson(1), data: {} });
  const lease = await acquireLease(store, key, 'me');
  await openCheckpoints(store, key).commit(lease, {
    ...{ epoch: 1, step: 0, config: {}, best: { epoch: 1, loss: 1 }, metadata: {} },
    metrics: { loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 },
    tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(1)) }],
  });
});

interface Reader {
  readonly path: string;
  readonly read: (from: Store) => Promise<unknown>;
  /** What it documents for a damaged file; an error unless it says something else. */
  readonly damaged?: unknown;
}

const readers = async (): Promise<Readonly<Record<string, Reader>>> => {
  const [ofRun] = live.slice(1);
  if (!ofRun) throw new Error('there is one');
  const [checkpoint] = await openCheckpoints(store, key).names();
  return {
    plan: { path: 'runs/run/plan.json', read: (from) => loadPlan(from, 'run') },
    record: { path: 'runs/run/run.json', read: (from) => loadRunRecord(from, 'run') },
    result: { path: 'runs/run/steps/pretrain/result.json', read: (from) => loadStepResult(from, key) },
    changes: { path: 'runs/run/steps/pretrain/changes.json', read: (from) => loadChanges(from, key) },
    metrics: {
      path: 'runs/run/steps/pretrain/metrics.jsonl',
      read: (from) => loadEpochMetrics(from, key),
      damaged: [],
    },
    lease: { path: 'runs/run/steps/pretrain/leases/00000001.json', read: (from) => listLeases(from, key), damaged: [] },
    log: {
      path: 'runs/run/logs/writer/000001.jsonl',
      read: async (from) => (await readRunLog(from, 'run')).lines,
      damaged: [],
    },
    checkpoint: {
      path: `runs/run/steps/pretrain/checkpoints/${checkpoint}/manifest.json`,
      read: async (from) => (await openCheckpoints(from, key).newestValid()).newest?.name ?? null,
      damaged: null,
    },
    entry: { path: `cache/${cacheKey(fingerprint)}.json`, read: (from) => loadCacheEntry(from, fingerprint) },
    entries: { path: `cache/${cacheKey(fingerprint)}.json`, read: (from) => listCache(from) },
    version: { path: 'models/m/versions/000001.json', read: (from) => loadVersions(from, 'm') },
    refusal: { path: refusalPath, read: (from) => loadRefusals(from, 'm') },
    definition: {
      path: `schedules/s/definitions/${definition}.json`,
      read: (from) => loadScheduleDefinition(from, 's', definition),
    },
    'last-completed': { path: 'schedules/s/last-completed.json', read: (from) => loadLastCompleted(from, 's') },
    manifest: { path: `${artifactFolder(ofRun)}/manifest.json`, read: (from) => readArtifact(from, ofRun) },
  };
};

/** The store, but for what is done to one file. */
const withFile = (path: string, read: () => Promise<Uint8Array>): Store => ({
  ...store,
  read: (each) => (each === path ? read() : store.read(each)),
});
const failing = (path: string, code: string) =>
  withFile(path, async () => {
    throw Object.assign(new Error(`${code}: it failed, read`), { code });
  });

const outcome = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
const named = (path: string, error: unknown) =>
  error instanceof ContrailError && error.message.includes(store.locate(path)) ? error.code : error;

describe('every file that the store reads as JSON', () => {
  it('is named where it ends too soon, at whatever byte, or gives what the reader documents', async () => {
    for (const [name, { path, read, damaged }] of Object.entries(await readers())) {
      const whole = await store.read(path);
      const value = await read(store);
      for (let length = 0; length < whole.length; length++) {
        const found = await outcome(read(withFile(path, async () => whole.subarray(0, length))));
        const where = `${name} cut at ${length} of ${whole.length}`;
        // Without its last newline it is still whole.
        if ('value' in found) expect([value, damaged], where).toContainEqual(found.value);
        else expect(named(path, found.error), where).toBe('CorruptArtifact');
        if ('value' in found && damaged === undefined) expect(length, where).toBe(whole.length - 1);
      }
    }
  });

  it('is named where it cannot be read, and never taken for absent', async () => {
    for (const [name, { path, read }] of Object.entries(await readers()))
      for (const code of ['EIO', 'EACCES', 'ESTALE', 'EMFILE', 'ETIMEDOUT']) {
        const found = await outcome(read(failing(path, code)));
        expect('error' in found && named(path, found.error), `${name} ${code}`).toBe('StoreUnreadable');
      }
  });

  it('is absent only where the file system says so', async () => {
    for (const [name, { path, read, damaged }] of Object.entries(await readers()))
      for (const code of ['ENOENT', 'ENOTDIR', 'NoSuchKey']) {
        const found = await outcome(read(failing(path, code)));
        if ('value' in found) expect([null, [], damaged], name).toContainEqual(found.value);
        // What something else names must be there.
        else expect(['definition', 'manifest'], name).toContain(name);
      }
  });

  it('of another form than this version writes is named too', async () => {
    const ref = live.find(({ kind }) => kind === 'evaluation') ?? garbage;
    await expect(readAbout(store, ref, evaluationAboutSchema)).rejects.toMatchObject({
      code: 'CorruptArtifact',
      message: expect.stringContaining(store.locate(artifactFolder(ref))),
    });
  });
});

describe('damaged lines', () => {
  it('of metrics and logs are named, and kept when a line is added', async () => {
    const path = 'runs/other/steps/pretrain/metrics.jsonl';
    const other = { run: 'other', step: 'pretrain' };
    const line = (epoch: number) => ({ epoch, loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 });
    await store.write(path, Buffer.from(`${JSON.stringify(line(1))}\n{"epoch":2,"lo\n`));
    await saveEpochMetrics(store, other, line(3));
    const problems: string[] = [];
    const lines = await loadEpochMetrics(store, other, (problem) => problems.push(problem));
    expect(lines.map(({ epoch }) => epoch)).toEqual([1, 3]);
    expect(problems).toEqual([expect.stringMatching(/metrics\.jsonl:\d is no epoch's metrics/)]);
    expect(new TextDecoder().decode(await store.read(path))).toContain('{"epoch":2,"lo');
  });
});

describe('checkpoints', () => {
  const commit = async (run: string, epochs: number) => {
    const of = { run, step: 'pretrain' };
    const lease = await acquireLease(store, of, 'me');
    for (let epoch = 1; epoch <= epochs; epoch++)
      await openCheckpoints(store, of).commit(lease, {
        ...{ epoch, step: 0, config: {}, best: { epoch: 1, loss: 1 }, metadata: {} },
        metrics: { loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 },
        tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(epoch)) }],
      });
    return of;
  };
  const fileOf = (run: string, epoch: number) =>
    `runs/${run}/steps/pretrain/checkpoints/epoch-00000${epoch}-t1/state.safetensors`;

  it('on a bad spot of the disk are passed over for an older one, and named', async () => {
    const of = await commit('spot', 2);
    const { newest, rejected } = await openCheckpoints(failing(fileOf('spot', 2), 'EIO'), of).newestValid();
    expect(newest?.manifest.epoch).toBe(1);
    expect(rejected).toEqual([{ name: 'epoch-000002-t1', reason: expect.stringContaining('EIO') }]);
  });

  it('of a share that is away are not taken for lost: nothing is trained anew', async () => {
    const of = await commit('share', 2);
    for (const code of ['ESTALE', 'EACCES', 'ETIMEDOUT'])
      await expect(openCheckpoints(failing(fileOf('share', 2), code), of).newestValid()).rejects.toMatchObject({
        code: 'StoreUnreadable',
      });
    const away = { ...store, read: failing(fileOf('share', 2), 'EIO').read };
    const none: Store = {
      ...away,
      read: (path) => (path.endsWith('.safetensors') ? failing(path, 'EIO').read(path) : store.read(path)),
    };
    await expect(openCheckpoints(none, of).newestValid()).rejects.toMatchObject({ code: 'StoreUnreadable' });
  });
});

describe('a collection', () => {
  const isThere = async (ref: ArtifactRef) => store.exists(`${artifactFolder(ref)}/manifest.json`);
  const collect = (from: Store) => collectGarbage(from, { dryRun: false, now: inTwoHours() });
  /** What names artifacts, or leads to what does. */
  const naming = async () => {
    const { result, entry, version, manifest } = await readers();
    const paths = [result, entry, version, manifest].map((reader) => reader?.path ?? '');
    return [...paths, 'models/m/current.json', refusalPath];
  };

  it('removes nothing at all while one file that may name an artifact cannot be read, and names that file', async () => {
    for (const path of await naming())
      for (const code of ['EIO', 'EACCES', 'ESTALE']) {
        const error = await collect(failing(path, code)).catch((each: unknown) => each);
        expect(named(path, error)).toBe('StoreUnreadable');
        expect(String(error)).toContain('Nothing was removed');
        for (const ref of [...live, garbage]) expect(await isThere(ref), path).toBe(true);
      }
  });

  it('removes nothing while one of them is cut, at whatever byte, and says what to do', async () => {
    for (const path of await naming()) {
      const whole = await store.read(path);
      const cutAt = (length: number) => withFile(path, async () => whole.subarray(0, length));
      const requireRefused = async (collecting: Promise<unknown>, length: number) => {
        const error = await collecting.catch((each: unknown) => each);
        expect(named(path, error), `${path} cut at ${length}`).toBe('CorruptArtifact');
        expect(String(error)).toMatch(/(Restore|Remove|again|forgets it).*Nothing was removed/s);
      };
      // A look costs little; a collection, which looks in the same way, says to all others that it goes on.
      for (let length = 0; length < whole.length - 1; length++)
        await requireRefused(collectGarbage(cutAt(length), { dryRun: true, now: inTwoHours() }), length);
      const half = Math.floor(whole.length / 2);
      await requireRefused(collect(cutAt(half)), half);
      for (const ref of [...live, garbage]) expect(await isThere(ref), path).toBe(true);
    }
  });

  it('removes nothing while a folder cannot be listed', async () => {
    for (const folder of ['artifacts', 'runs', 'models', 'cache']) {
      const broken: Store = {
        ...store,
        list: async (each) => {
          if (each === folder) throw Object.assign(new Error('EACCES: permission denied, scandir'), { code: 'EACCES' });
          return store.list(each);
        },
      };
      const error = await collect(broken).catch((each: unknown) => each);
      expect(named(folder, error)).toBe('StoreUnreadable');
    }
    for (const ref of [...live, garbage]) expect(await isThere(ref)).toBe(true);
  });

  it.skipIf(process.getuid?.() === 0)('removes nothing while a real folder may not be read', async () => {
    const folder = store.locate('runs/run/steps/pretrain');
    await chmod(folder, 0);
    try {
      const error = await collect(store).catch((each: unknown) => each);
      expect(named('runs/run/steps/pretrain', error)).toBe('StoreUnreadable');
    } finally {
      await chmod(folder, 0o755);
    }
  });

  it('follows the link of a run that was moved to another disk, and stops where that disk is away', async () => {
    const [there, elsewhere] = [store.locate('runs/run'), join(root, '..', `${root.split('/').at(-1)}-disk`)];
    await rename(there, elsewhere);
    try {
      await symlink(elsewhere, there);
      expect((await collectGarbage(store, { dryRun: true, now: inTwoHours() })).artifacts).toHaveLength(1);
      await rename(elsewhere, `${elsewhere}-away`);
      await expect(collect(store)).rejects.toMatchObject({
        code: 'StoreUnreadable',
        message: expect.stringMatching(
          /runs\/run cannot be read\. It is a link to what is not there.*Nothing was removed/,
        ),
      });
    } finally {
      await rename(`${elsewhere}-away`, elsewhere).catch(() => {});
      await rm(there);
      await rename(elsewhere, there);
    }
  });

  it('passes over what is certainly gone, and takes what nothing names', async () => {
    await mkdir(store.locate('runs/empty/steps/x'), { recursive: true });
    await store.write('artifacts/encoder/notes.txt', Buffer.from('a note of mine'));
    const { artifacts } = await collect(store);
    expect(artifacts.map(({ digest }) => digest)).toEqual([artifactRefSchema.parse(garbage).digest]);
    expect(await isThere(garbage)).toBe(false);
    for (const ref of live) expect(await isThere(ref)).toBe(true);
    expect(await store.exists('artifacts/encoder/notes.txt')).toBe(true);
  });

  it('leaves an old artifact that a step has just made again, and is about to name', async () => {
    const again = await artifact('encoder', { of: 'nothing' });
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const { path } of await store.list(artifactFolder(again))) await utimes(store.locate(path), old, old);
    expect((await collectGarbage(store, { dryRun: true })).artifacts).toHaveLength(1);
    expect(await artifact('encoder', { of: 'nothing' })).toEqual(again);
    const { artifacts } = await collectGarbage(store, { dryRun: false });
    expect(artifacts).toEqual([]);
    expect(await isThere(again)).toBe(true);
  });
});
