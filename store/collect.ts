import { z } from 'zod';
import { type ArtifactRef, artifactKinds, digestSchema } from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { artifactFolder, manifestFile } from './artifact-writer.ts';
import { readArtifact } from './artifacts.ts';
import { artifactsIn, artifactsNamedBy, type KeyedCacheEntry, listCache, removeCacheEntry } from './cache.ts';
import { embeddedFolder, preparationsFolder } from './paths.ts';
import { listFiles, readJson } from './reading.ts';
import type { Store, StoredFile } from './store.ts';

/** An artifact that nothing names may have been written by a step that has yet to record its result. */
const youngestMs = 60 * 60 * 1000;

/** A preparation that was interrupted is gone on with by then, and a catalogue prepared again. */
const resumedWithinMs = 7 * 24 * 60 * 60 * 1000;

/** What a collection removes, or with `dryRun` would remove. */
export interface Collected {
  readonly entries: readonly KeyedCacheEntry[];
  readonly artifacts: readonly { readonly kind: string; readonly digest: string; readonly bytes: number }[];
  /** What preparations of data sets, and embeddings of images, have left for later ones, and none has used since. */
  readonly leftovers: readonly string[];
  readonly bytes: number;
}

/** What is live is decided before anything is removed: see G1. */
interface Found {
  readonly entries: readonly KeyedCacheEntry[];
  readonly unnamed: readonly { readonly ref: ArtifactRef; readonly files: readonly StoredFile[] }[];
  readonly leftovers: readonly StoredFile[];
}

/**
 * Removes cache entries whose artifacts are gone, then artifacts that no result of a run, no cache entry, no model, and no
 * other artifact that is kept names. Artifacts that were written to within the last hour stay.
 *
 * G1. Everything that may name an artifact is read before anything is removed. What cannot be read, or is damaged, may name
 * any: then nothing is removed. Only what is certainly not there is passed over.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable: names the file, and says what to do
 */
export async function collectGarbage(
  store: Store,
  { dryRun, now = Date.now() }: { readonly dryRun: boolean; readonly now?: number },
): Promise<Collected> {
  const { entries, unnamed, leftovers } = await findGarbage(store, now).catch((error: unknown) => {
    if (!isContrailError(error)) throw error;
    throw new ContrailError(
      error.code,
      `${error.message} Nothing was removed: what cannot be read may name any artifact. Put it right, then collect again.`,
      { cause: error },
    );
  });
  if (!dryRun) {
    // The manifest first: without it, what is left of the artifact is not taken for whole.
    for (const { files } of unnamed)
      for (const { path } of files.toSorted((a) => (a.path.endsWith(`/${manifestFile}`) ? -1 : 1)))
        await store.remove(path);
    for (const { key } of entries) await removeCacheEntry(store, key);
    for (const { path } of leftovers) await store.remove(path);
  }
  const artifacts = unnamed.map(({ ref, files }) => ({ ...ref, bytes: sizeOf(files) }));
  const bytes = artifacts.reduce((sum, each) => sum + each.bytes, sizeOf(leftovers));
  return { entries, artifacts, leftovers: leftovers.map(({ path }) => path), bytes };
}

const sizeOf = (files: readonly StoredFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

async function findGarbage(store: Store, now: number): Promise<Found> {
  const present = artifactsAmong(await listFiles(store, 'artifacts'));
  const isThere = (ref: ArtifactRef) => {
    const folder = artifactFolder(ref);
    return present.get(folder)?.files.some(({ path }) => path === `${folder}/${manifestFile}`) ?? false;
  };
  const cached = await listCache(store);
  const entries = cached.filter(({ result }) => !artifactsIn(result).every(isThere));
  const kept = cached.filter((entry) => !entries.includes(entry));
  const roots = [...artifactsIn(kept.map(({ result }) => result)), ...(await namedOutside(store))];
  const named = await reach(store, roots, isThere);
  const unnamed = [];
  for (const [folder, found] of present)
    if (!named.has(folder) && !isYoung(found.files, now, youngestMs)) unnamed.push(found);
  const leftovers = [];
  for (const file of [...(await listFiles(store, preparationsFolder)), ...(await listFiles(store, embeddedFolder))])
    if (!isYoung([file], now, resumedWithinMs)) leftovers.push(file);
  return { entries, unnamed, leftovers };
}

function artifactsAmong(files: readonly StoredFile[]): Map<string, { ref: ArtifactRef; files: StoredFile[] }> {
  const found = new Map<string, { ref: ArtifactRef; files: StoredFile[] }>();
  for (const file of files) {
    const [, name, digest] = file.path.split('/');
    const kind = artifactKinds.find((each) => each === name);
    if (kind === undefined || digest === undefined || !digestSchema.safeParse(digest).success) continue;
    const ref = { kind, digest };
    const folder = artifactFolder(ref);
    found.set(folder, { ref, files: [...(found.get(folder)?.files ?? []), file] });
  }
  return found;
}

/** Of another version, a result or a model may hold more; what it names is found all the same. */
const anyResult = z.looseObject({ result: z.record(z.string(), z.json()) });
const anyModel = z.record(z.string(), z.json());

/** What results of runs and versions of models name. */
async function namedOutside(store: Store): Promise<ArtifactRef[]> {
  const inRuns = await listFiles(store, 'runs');
  const results = inRuns.flatMap(({ path }) => {
    const [, run, step] = /^runs\/([^/]+)\/steps\/([^/]+)\/result\.json$/.exec(path) ?? [];
    const remedy = `Restore it from a copy, or remove it: \`contrail resume ${run}\` then does ${step} again.`;
    return run === undefined ? [] : [{ path, schema: anyResult, what: 'the result of a step', remedy }];
  });
  const models = (await listFiles(store, 'models')).flatMap(({ path }) => {
    const remedy = path.includes('/versions/')
      ? 'Restore it from a copy, or remove it to go back to the version before.'
      : 'Remove it: only people and other programs read it.';
    return path.endsWith('.json') ? [{ path, schema: anyModel, what: 'a record of a model', remedy }] : [];
  });
  // Their steps name the files that they run.
  const plans = [...inRuns, ...(await listFiles(store, 'schedules'))].flatMap(({ path }) => {
    const remedy = 'Restore it from a copy, or remove the folder that it is in.';
    return /^runs\/[^/]+\/plan\.json$|^schedules\/[^/]+\/definitions\/[^/]+\.json$/.test(path)
      ? [{ path, schema: anyModel, what: 'what a run is started with', remedy }]
      : [];
  });
  const found: ArtifactRef[] = [];
  for (const { path, schema, what, remedy } of [...results, ...models, ...plans])
    found.push(...artifactsIn(await readJson<unknown>(store, path, { schema, what, remedy })));
  return found;
}

/** The folders of these artifacts, and of those that they were made from. */
async function reach(
  store: Store,
  roots: readonly ArtifactRef[],
  isThere: (ref: ArtifactRef) => boolean,
): Promise<Set<string>> {
  const reached = new Set<string>();
  const pending = [...roots];
  for (let ref = pending.pop(); ref; ref = pending.pop()) {
    const folder = artifactFolder(ref);
    if (reached.has(folder)) continue;
    reached.add(folder);
    // Of an artifact that is gone, nobody knows what it was made from.
    if (!isThere(ref)) continue;
    const { about } = await readArtifact(store, ref);
    pending.push(...artifactsNamedBy(about));
  }
  return reached;
}

const isYoung = (files: readonly StoredFile[], now: number, ageMs: number): boolean =>
  files.some(({ modifiedMs }) => now - modifiedMs < ageMs);
