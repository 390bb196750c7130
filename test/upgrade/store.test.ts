import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArtifactRef, artifactKinds, artifactManifestSchema, splitNames } from '../../contracts/artifacts.ts';
import type { PlannedStep } from '../../contracts/plan.ts';
import { isStepKind, kindOf, stepKinds } from '../../contracts/step-kinds.ts';
import { openEarlierSets } from '../../datasets/earlier/sets.ts';
import { loadSplit, readRowFacts } from '../../datasets/index.ts';
import {
  checkStore,
  datasetAboutOf,
  decodeSafetensors,
  isEmptied,
  listCache,
  listModels,
  listsWithPictures,
  loadChanges,
  loadCurrent,
  loadForgotten,
  loadLastCompleted,
  loadPlan,
  loadRefusals,
  loadRejectedPictures,
  loadRunRecord,
  loadScheduleDefinition,
  loadStepResults,
  loadVersions,
  openCheckpoints,
  parseJson,
  piecesIn,
  readArtifact,
  readRunLog,
  type Store,
} from '../../store/index.ts';
import { readPiece } from '../../vectors/embedding/pieces.ts';
import { buildIndex } from '../../vectors/index.ts';
import { recordedFormats, releases } from './formats/files.ts';
import { abouts, formats } from './formats/table.ts';
import { expectedOf, neighboursIn, releaseNames, storeIn, unpack } from './release.ts';

/** What each release wrote into its store is read by the code at hand. docs/store.md says what is promised. */

/** Files that no run leaves behind, because they are there for moments or after faults alone; formats.test.ts has their form. */
const momentary = ['collection'];
/** Files of a store that are no JSON. */
const others = /\.(safetensors|usearch|csv)$|^artifacts\/(files|code|dataset|drift)\/|\/pinned$|^runs\/[^/]+\/report\//;

describe.each(releaseNames())('the store of release %s', (release) => {
  let folder: string;
  let store: Store;
  let paths: readonly string[];
  beforeAll(async () => {
    folder = unpack(release);
    store = storeIn(folder);
    paths = (await store.everything()).map(({ path }) => path).sort();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const within = (pattern: RegExp) => paths.flatMap((path) => pattern.exec(path)?.slice(1) ?? []);
  const runs = () => [...new Set(within(/^runs\/([^/]+)\/plan\.json$/))];
  const artifactsOf = (kind: ArtifactRef['kind']): readonly ArtifactRef[] =>
    within(new RegExp(`^artifacts/${kind}/([0-9a-f]{64})/manifest\\.json$`)).map((digest) => ({ kind, digest }));
  const text = async (path: string) => new TextDecoder().decode(await store.read(path));

  it('is whole: each file has the size and digest that its manifest says', async () => {
    const { problems, orphans, artifacts, checkpoints } = await checkStore(store);
    expect(problems).toEqual([]);
    expect(orphans).toEqual([]);
    expect(checkpoints).toBe(Object.keys(expectedOf(release).checkpoints).length);
    expect(artifacts).toBeGreaterThan(artifactKinds.length);
  });

  it('has only files of formats on record, each of which is read', async () => {
    for (const path of paths) {
      const known = formats.filter(({ file }) => file?.path.test(path));
      if (known.length === 0 && others.test(path)) continue;
      expect(
        known.map(({ name }) => name),
        path,
      ).toHaveLength(1);
      const [{ schema, file }] = known as [(typeof known)[0]];
      const contents = file?.lines ? (await text(path)).split('\n').slice(0, -1) : [await text(path)];
      for (const content of contents) {
        const read = schema.safeParse(JSON.parse(content));
        expect(read.error?.issues, path).toBeUndefined();
      }
    }
  });

  it('has a file of every format that the release had', () => {
    const had = releases().find(({ name }) => name === release)?.formats ?? {};
    const missing = formats
      .filter(({ name, file }) => file && had[name] && !momentary.includes(name))
      .filter(({ file }) => !paths.some((path) => file?.path.test(path)));
    expect(missing.map(({ name }) => name)).toEqual([]);
    expect(Object.keys(recordedFormats())).toEqual(expect.arrayContaining(momentary));
  });

  it('has artifacts of every kind, which say what they are', async () => {
    for (const kind of artifactKinds) {
      expect(artifactsOf(kind).length, kind).toBeGreaterThan(0);
      for (const ref of artifactsOf(kind)) {
        const { about } = artifactManifestSchema.parse(await readArtifact(store, ref));
        expect(abouts[kind].safeParse(about).error?.issues, `${kind} ${ref.digest}`).toBeUndefined();
      }
    }
  });

  it('has images as pixels and as files, which are those that their labels say', async () => {
    const forms = new Set<boolean>();
    for (const ref of artifactsOf('dataset')) {
      const about = datasetAboutOf(await readArtifact(store, ref), ref);
      const { height, width, channels } = about.image;
      forms.add(about.stored !== undefined);
      for (const name of splitNames) {
        const files = about.splits[name]?.shards.map(({ file }) => file) ?? [];
        if ((await Promise.all(files.map((file) => isEmptied(store, ref, file)))).includes(true)) continue;
        const { count = 0, perClass = [] } = about.splits[name] ?? {};
        const { images, labels } = await loadSplit(store, ref, name);
        expect(images.length).toBe(count * height * width * channels);
        expect(perClass.map((_, label) => labels.filter((each) => each === label).length)).toEqual(perClass);
        const facts = await readRowFacts(store, ref, name);
        if (about.labels && count > 0) expect(facts?.[0]?.labels).toBeTypeOf('object');
      }
    }
    expect([...forms].sort()).toEqual([false, true]);
  });

  it('has runs whose plans, records, results, changes and logs are read', async () => {
    expect(runs()).toEqual(expect.arrayContaining(['cancelled', 'complete', 'embedding', 'forked', 'photos', 'sweep']));
    const kinds = new Set<string>();
    for (const run of runs()) {
      const plan = await loadPlan(store, run);
      expect(await loadRunRecord(store, run), run).toMatchObject({ run, pipeline: plan?.name });
      for (const [step, { fingerprint, result }] of Object.entries(await loadStepResults(store, run))) {
        const made = JSON.parse(fingerprint) as Pick<PlannedStep, 'uses' | 'version' | 'with'>;
        const { uses, version } = made;
        if (!isStepKind(uses)) throw new Error(`no kind is called ${uses}`);
        kinds.add(uses);
        const own = plan?.steps.find(({ id }) => id === step)?.own;
        if (version === stepKinds[uses].version)
          expect(kindOf({ ...made, own }).result.safeParse(result).error?.issues, `${run}/${step}`).toBeUndefined();
      }
      const { lines } = await readRunLog(store, run, undefined, (problem) => expect.fail(problem));
      expect(lines.length, run).toBeGreaterThan(0);
    }
    expect(kinds.size).toBeGreaterThan(20);
    expect(await loadChanges(store, { run: 'cancelled', step: 'pretrain' })).toMatchObject([
      { path: 'checkpoint.keep.last', to: 4, by: 'set' },
    ]);
  });

  it('has checkpoints at the end of an epoch and within one, with the digests that they had', async () => {
    const { checkpoints } = expectedOf(release);
    for (const [place, digest] of Object.entries(checkpoints)) {
      const [run = '', step = '', name = ''] = place.split('/');
      const loaded = await openCheckpoints(store, { run, step }).load(name);
      expect(loaded.manifest.digest, place).toBe(digest);
      const state = decodeSafetensors(
        await store.read(`runs/${run}/steps/${step}/checkpoints/${name}/state.safetensors`),
      );
      expect([...loaded.tensors.keys()]).toEqual([...state.tensors.keys()]);
    }
    const { newest, rejected } = await openCheckpoints(store, { run: 'cancelled', step: 'pretrain' }).newestValid();
    expect(newest?.manifest).toMatchObject({ epoch: 1, step: expect.any(Number) });
    expect(newest?.manifest.step).toBeGreaterThan(0);
    expect(rejected).toEqual([]);
    const names = [...(newest?.tensors.keys() ?? [])].join();
    for (const part of ['queue', 'ema/']) expect(names).toContain(part);
  });

  it('has indexes, exact and approximate, that answer as they did', async () => {
    const { neighbours } = expectedOf(release);
    expect(
      artifactsOf('index')
        .map(({ digest }) => digest)
        .sort(),
    ).toEqual(Object.keys(neighbours).sort());
    const methods = new Set<string>();
    for (const ref of artifactsOf('index')) {
      methods.add(String((await readArtifact(store, ref)).about.method));
      const found = await neighboursIn(store, ref);
      const expected = neighbours[ref.digest] ?? [];
      expect(found.map((hits) => hits.map(({ row }) => row))).toEqual(
        expected.map((hits) => hits.map(({ row }) => row)),
      );
      for (const [query, hits] of expected.entries())
        for (const [at, { score }] of hits.entries())
          expect(Math.abs((found[query]?.[at]?.score ?? Number.NaN) - score)).toBeLessThan(1e-5);
    }
    expect([...methods].sort()).toEqual(['approximate', 'exact']);
  });

  it('has an exact index that is built again to the byte', async () => {
    const { index } = (await loadStepResults(store, 'photos')).index?.result ?? {};
    const { recent } = await loadStepResults(store, 'photos');
    const built = await buildIndex(store, recent?.result.vectors as ArtifactRef, { method: 'exact' });
    expect(built.index).toEqual(index);
  });

  it('has embedded images and prepared ones that are taken over', async () => {
    for (const place of new Set(within(/^(embedded\/[0-9a-f]{64})\/pieces\//)))
      for (const name of await piecesIn(store, place)) {
        const piece = await readPiece(store, place, name);
        expect(piece?.embeddings.length).toBeGreaterThan(0);
        expect(piece?.sources[0]).toMatch(/^[0-9a-f]{64}$/);
      }
    expect(within(/^(embedded\/[0-9a-f]{64})\/pieces\//).length).toBeGreaterThan(0);
    const prepared = [...new Set(within(/^(preparations\/[0-9a-f]{64})\/sets\//))];
    expect(prepared.length).toBeGreaterThan(0);
    let images = 0;
    for (const place of prepared) {
      const { rows, close } = await openEarlierSets(store, place);
      for (const read of rows.values()) if (await read()) images++;
      await close();
    }
    expect(images).toBeGreaterThan(100);
  });

  it('has a model whose current version is the last, and what was refused', async () => {
    expect(await listModels(store)).toEqual(['catalogue']);
    const versions = await loadVersions(store, 'catalogue');
    expect(versions.length).toBeGreaterThan(1);
    expect(await loadCurrent(store, 'catalogue')).toEqual(versions.at(-1));
    expect(versions.at(-1)?.index).toBeDefined();
    expect(await loadRefusals(store, 'catalogue')).toMatchObject([
      { run: 'complete', version: versions.at(-1)?.version },
    ]);
  });

  it('has an image that was forgotten, and rejected ones that are shown', async () => {
    expect(await loadForgotten(store)).toMatchObject([{ uses: { emptied: [expect.anything()] } }]);
    const [list = ''] = await listsWithPictures(store, 'photos');
    expect(await loadRejectedPictures(store, list)).toBeInstanceOf(Array);
  });

  it('has a schedule whose definition and last run are read', async () => {
    const [definition = ''] = within(/^schedules\/monthly\/definitions\/([0-9a-f]{64})\.json$/);
    expect(await loadScheduleDefinition(store, 'monthly', definition)).toMatchObject({ schedule: 'monthly' });
    const last = await loadLastCompleted(store, 'monthly');
    expect(runs()).toContain(last?.run);
  });

  it('has a cache of which nothing is damaged', async () => {
    const entries = await listCache(store);
    expect(entries.length).toBeGreaterThan(15);
    for (const { fingerprint } of entries)
      expect(parseJson(new TextEncoder().encode(fingerprint))).toHaveProperty('uses');
  });
});
