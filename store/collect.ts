import { z } from 'zod';
import { type ArtifactRef, artifactKinds, digestSchema } from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { readArtifact } from './artifacts.ts';
import { type KeyedCacheEntry, listCache, pathOfEntry } from './cache.ts';
import { beginCollection, type Collection } from './collecting.ts';
import { inLanes } from './in-lanes.ts';
import { artifactsIn, artifactsNamedBy } from './named-artifacts.ts';
import { artifactFolder, embeddedFolder, manifestFile, preparationsFolder } from './paths.ts';
import { listFiles, readJson } from './reading.ts';
import type { Store, StoredFile } from './store.ts';

/** An artifact that nothing names may have been written by a step that has yet to record its result. */
const youngestMs = 60 * 60 * 1000;

/** A preparation that was interrupted is gone on with by then, and a catalogue prepared again. */
const resumedWithinMs = 7 * 24 * 60 * 60 * 1000;

const removedAtOnce = 8;

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
  readonly unnamed: readonly FoundArtifact[];
  readonly leftovers: readonly StoredFile[];
}

interface FoundArtifact {
  readonly ref: ArtifactRef;
  readonly files: readonly StoredFile[];
}

/**
 * Removes cache entries whose artifacts are gone, then artifacts that no result of a run, no cache entry, no model, and no
 * other artifact that is kept names. Artifacts that were written to within the last hour stay, with what they were made from.
 * Runs may go on meanwhile, and other collections.
 *
 * G1. Everything that may name an artifact is read before anything is removed. What cannot be read, or is damaged, may name
 * any: then nothing is removed. Only what is certainly not there is passed over.
 * G2. What is to go is condemned first (K1), and then looked for a second time. Only what is found both times is removed: what
 * was taken up meanwhile is young, or named.
 *
 * @param options.now milliseconds since 1970. @default the clock of the store
 * @throws ContrailError CorruptArtifact, StoreUnreadable: names the file, and says what to do
 */
export async function collectGarbage(
  store: Store,
  { dryRun, now }: { readonly dryRun: boolean; readonly now?: number },
): Promise<Collected> {
  if (dryRun) return collected(await findGarbage(store, now ?? Date.now()));
  const collection = await beginCollection(store);
  try {
    const at = now ?? collection.begun;
    const first = await findGarbage(store, at);
    const condemned = pathsOf(first);
    if (condemned.length === 0 && first.leftovers.length === 0) return collected(first);
    await collection.condemn(condemned);
    const found = both(first, await findGarbage(store, at));
    const going = new Set(pathsOf(found));
    collection.spare(condemned.filter((path) => !going.has(path)));
    await removeFound(store, found, collection);
    return collected(found);
  } finally {
    await collection.end();
  }
}

const pathsOf = ({ entries, unnamed }: Found): readonly string[] => [
  ...unnamed.map(({ ref }) => artifactFolder(ref)),
  ...entries.map(({ key }) => pathOfEntry(key)),
];

/** What was found the first time, and is found a second time. */
function both(first: Found, second: Found): Found {
  const condemned = new Set(pathsOf(first));
  const left = new Set(first.leftovers.map(({ path }) => path));
  return {
    entries: second.entries.filter(({ key }) => condemned.has(pathOfEntry(key))),
    unnamed: second.unnamed.filter(({ ref }) => condemned.has(artifactFolder(ref))),
    leftovers: second.leftovers.filter(({ path }) => left.has(path)),
  };
}

async function removeFound(store: Store, { entries, unnamed, leftovers }: Found, collection: Collection) {
  const remove = (path: string) => {
    collection.requireHeard();
    return store.remove(path);
  };
  await inLanes(removedAtOnce, unnamed, async ({ ref, files }) => {
    const manifest = `${artifactFolder(ref)}/${manifestFile}`;
    // The manifest first: without it, what is left of the artifact is not taken for whole.
    await remove(manifest);
    for (const { path } of files) if (path !== manifest) await remove(path);
    collection.spare([artifactFolder(ref)]);
  });
  for (const { key } of entries) await remove(pathOfEntry(key));
  await inLanes(removedAtOnce, leftovers, ({ path }) => remove(path));
}

function collected({ entries, unnamed, leftovers }: Found): Collected {
  const artifacts = unnamed.map(({ ref, files }) => ({ ...ref, bytes: sizeOf(files) }));
  const bytes = artifacts.reduce((sum, each) => sum + each.bytes, sizeOf(leftovers));
  return { entries, artifacts, leftovers: leftovers.map(({ path }) => path), bytes };
}

const sizeOf = (files: readonly StoredFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

const findGarbage = (store: Store, now: number): Promise<Found> =>
  lookForGarbage(store, now).catch((error: unknown) => {
    if (!isContrailError(error)) throw error;
    throw new ContrailError(
      error.code,
      `${error.message} Nothing was removed: what cannot be read may name any artifact. Put it right, then collect again.`,
      { cause: error },
    );
  });

async function lookForGarbage(store: Store, now: number): Promise<Found> {
  const present = artifactsAmong(await listFiles(store, 'artifacts'));
  // One that a step has made since is not in the listing.
  const isThere = async (ref: ArtifactRef) => {
    const path = `${artifactFolder(ref)}/${manifestFile}`;
    return present.get(artifactFolder(ref))?.files.some((file) => file.path === path) || (await store.exists(path));
  };
  const areThere = async (refs: readonly ArtifactRef[]) => {
    for (const ref of refs) if (!(await isThere(ref))) return false;
    return true;
  };
  const entries: KeyedCacheEntry[] = [];
  const roots: ArtifactRef[] = [];
  for (const entry of await listCache(store)) {
    const named = artifactsIn(entry.result);
    if (await areThere(named)) roots.push(...named);
    else entries.push(entry);
  }
  const inRuns = await listFiles(store, 'runs');
  for (const ref of await namedOutside(store, inRuns)) roots.push(ref);
  const isOld = ({ files }: FoundArtifact) => !isYoung(files, now, youngestMs);
  // Somebody is about to name it, and what it was made from goes with it.
  for (const found of present.values()) if (!isOld(found)) roots.push(found.ref);
  const named = await reach(store, roots);
  const unnamed = [...present].flatMap(([folder, found]) => (named.has(folder) || !isOld(found) ? [] : [found]));
  return { entries, unnamed, leftovers: await leftoversIn(store, inRuns, now) };
}

/** What an embedding that is not gathered yet says of a shard. */
const anyOutcome = z.looseObject({ piece: z.string().nullable() });

/** What preparations and embeddings have left, but for what an embedding has yet to gather, however long it is paused. */
async function leftoversIn(store: Store, inRuns: readonly StoredFile[], now: number): Promise<readonly StoredFile[]> {
  const files = [...(await listFiles(store, preparationsFolder)), ...(await listFiles(store, embeddedFolder))];
  const old = files.filter((file) => !isYoung([file], now, resumedWithinMs));
  if (old.length === 0) return [];
  const awaited = new Set<string>();
  for (const { path } of inRuns) {
    if (!/^runs\/[^/]+\/steps\/[^/]+\/embedding\/[^/]+\/outcome-\d+\.json$/.test(path)) continue;
    const outcome = await readJson(store, path, {
      schema: anyOutcome,
      what: 'the outcome of a shard',
      remedy: 'Remove it: the shard is then done again.',
    });
    if (outcome?.piece) awaited.add(outcome.piece);
  }
  return old.filter(({ path }) => !awaited.has(path.split('/').at(-1) ?? ''));
}

function artifactsAmong(files: readonly StoredFile[]): ReadonlyMap<string, FoundArtifact> {
  const found = new Map<string, { ref: ArtifactRef; files: StoredFile[] }>();
  for (const file of files) {
    const [, name, digest] = file.path.split('/');
    const kind = artifactKinds.find((each) => each === name);
    if (kind === undefined || digest === undefined || !digestSchema.safeParse(digest).success) continue;
    const ref = { kind, digest };
    const folder = artifactFolder(ref);
    const known = found.get(folder);
    if (known) known.files.push(file);
    else found.set(folder, { ref, files: [file] });
  }
  return found;
}

/** Of another version, a result or a model may hold more; what it names is found all the same. */
const anyResult = z.looseObject({ result: z.record(z.string(), z.json()) });
const anyModel = z.record(z.string(), z.json());

/** What results of runs and versions of models name. */
async function namedOutside(store: Store, inRuns: readonly StoredFile[]): Promise<ArtifactRef[]> {
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
async function reach(store: Store, roots: readonly ArtifactRef[]): Promise<ReadonlySet<string>> {
  const reached = new Set<string>();
  const pending = [...roots];
  for (let ref = pending.pop(); ref; ref = pending.pop()) {
    const folder = artifactFolder(ref);
    if (reached.has(folder)) continue;
    reached.add(folder);
    const manifest = await readArtifact(store, ref).catch(async () => {
      // Of an artifact that is gone, nobody knows what it was made from. One that is there may be so only since.
      return (await store.exists(`${folder}/${manifestFile}`)) ? readArtifact(store, ref) : null;
    });
    if (manifest) pending.push(...artifactsNamedBy(manifest.about));
  }
  return reached;
}

const isYoung = (files: readonly StoredFile[], now: number, ageMs: number): boolean =>
  files.some(({ modifiedMs }) => now - modifiedMs < ageMs);
