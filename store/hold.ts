import { z } from 'zod';
import { type ArtifactRef, type FileEntry, fileEntrySchema } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { rememberedByStore } from './by-store.ts';
import { untilSpared } from './collecting.ts';
import { emptiedFiles } from './emptied.ts';
import { artifactsNamedBy } from './named-artifacts.ts';
import { artifactFolder, emptiedMark, manifestFile } from './paths.ts';
import { decodeJson, listFiles, readIfThere, readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * What is taken up is held first, so that no collection of garbage removes it before it is named.
 *
 * H1. An artifact that is written, or named in a new place, is young: its manifest was written within the hour. A collection
 * keeps what is young, and all that it was made from.
 * H2. Only after that it is looked whether a collection had condemned it before (K1), and after that whether it is whole.
 */

/** An artifact that this process made young so lately need not be made so again. */
const trustedMs = 10 * 60 * 1000;

/** Work that takes longer than an artifact is young makes it young so often. */
const renewedMs = 20 * 60 * 1000;

/** When this process made artifacts young, by their folders. */
const heldIn = rememberedByStore<number>();

/** Of another version, a manifest may hold more. */
const anyManifest = {
  schema: z.looseObject({ about: z.json(), files: z.array(z.object(fileEntrySchema.shape)) }),
  what: 'the manifest of an artifact',
  remedy:
    '`contrail resume <run>` makes it again where the run has a step for it; `contrail store check` names one that has.',
};

/** An artifact that was made young, and the files that it must have. */
interface Renewed {
  readonly ref: ArtifactRef;
  readonly files: readonly FileEntry[];
}

/**
 * Keeps artifacts, and what they were made from, from collections of garbage for an hour; to be called before they are named
 * where they were not named before.
 *
 * @returns those that are not there, or not whole
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function holdArtifacts(store: Store, refs: readonly ArtifactRef[]): Promise<readonly ArtifactRef[]> {
  const held = heldIn(store);
  const byFolder = new Map(refs.map((ref) => [artifactFolder(ref), ref]));
  const wanted = [...byFolder].filter(([folder]) => Date.now() - (held.get(folder) ?? 0) > trustedMs);
  if (wanted.length === 0) return [];
  await untilSpared(store, async () => wanted.map(([folder]) => folder));
  const lacking: ArtifactRef[] = [];
  const renewed: Renewed[] = [];
  for (const [folder, ref] of wanted) {
    const path = `${folder}/${manifestFile}`;
    const bytes = await readIfThere(store, path);
    const found = bytes && { ref, files: decodeJson(store, path, bytes, anyManifest).files };
    if (!found || !(await isWhole(store, found))) lacking.push(ref);
    else {
      await store.write(path, bytes);
      renewed.push(found);
    }
  }
  return [...lacking, ...(await lost(store, renewed))];
}

/**
 * To be called when an artifact was written.
 *
 * @throws ContrailError TakenByCollection where a collection removed it at the same moment, StoreUnreadable
 */
export async function requireHeld(store: Store, written: Renewed): Promise<void> {
  requireNone(await lost(store, [written]));
}

/** @throws ContrailError TakenByCollection that says how many artifacts are gone, where any is */
export function requireNone(lacking: readonly ArtifactRef[]): void {
  const [first] = lacking;
  if (!first) return;
  throw new ContrailError(
    'TakenByCollection',
    `${times(lacking.length, 'artifact')} that the step made ${lacking.length === 1 ? 'is' : 'are'} gone, such as ${first.kind} ${first.digest}: \`contrail cache gc\` removed what nothing named yet.`,
  );
}

/** Which of these, and of what they were made from, a collection that had begun before took all the same. */
async function lost(store: Store, renewed: readonly Renewed[]): Promise<readonly ArtifactRef[]> {
  if (renewed.length === 0) return [];
  const origins = new Map<string, Renewed>();
  // What is gone already is not what a collection is about to remove.
  await untilSpared(store, async () => {
    for (const { ref } of renewed) await addOrigins(store, ref, origins);
    return [...origins.keys()];
  });
  const all = new Map([...origins, ...renewed.map((each) => [artifactFolder(each.ref), each] as const)]);
  const gone: ArtifactRef[] = [];
  for (const each of all.values()) if (!(await isWhole(store, each))) gone.push(each.ref);
  if (gone.length === 0) for (const { ref } of renewed) heldIn(store).set(artifactFolder(ref), Date.now());
  return gone;
}

/** Adds an artifact, and those that it was made from, as far as they are there. */
async function addOrigins(store: Store, ref: ArtifactRef, found: Map<string, Renewed>): Promise<void> {
  const folder = artifactFolder(ref);
  if (found.has(folder)) return;
  const manifest = await readJson(store, `${folder}/${manifestFile}`, anyManifest);
  if (!manifest) return;
  const one = { ref, files: manifest.files };
  // What was damaged before is no reason to do a step again.
  if (!(await isWhole(store, one))) return;
  found.set(folder, one);
  for (const origin of artifactsNamedBy(manifest.about)) await addOrigins(store, origin, found);
}

/** Whether an artifact has its manifest and all its files, but for those that were removed for good. */
async function isWhole(store: Store, { ref, files }: Renewed): Promise<boolean> {
  const folder = artifactFolder(ref);
  const present = new Map((await listFiles(store, folder)).map(({ path, bytes }) => [path, bytes]));
  if (!present.has(`${folder}/${manifestFile}`)) return false;
  const lacking = files.filter(({ path, bytes }) => present.get(`${folder}/${path}`) !== bytes);
  if (lacking.length === 0) return true;
  const emptied = present.has(`${folder}/${emptiedMark}`) ? await emptiedFiles(store, ref) : [];
  return lacking.every(({ path }) => emptied.includes(path));
}

/**
 * Keeps artifacts from collections of garbage while work goes on that takes longer than an hour.
 *
 * @param refs what is added to them meanwhile is held as well
 */
export async function whileHeld<T>(store: Store, refs: readonly ArtifactRef[], work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    // Whoever names them afterwards finds out whether they are there.
    void holdArtifacts(store, refs).catch(() => {});
  }, renewedMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
