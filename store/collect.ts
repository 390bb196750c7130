import { stat } from 'node:fs/promises';
import { type ArtifactRef, artifactKinds } from '../contracts/artifacts.ts';
import { artifactFolder, readArtifact } from './artifacts.ts';
import { artifactsIn, type KeyedCacheEntry, listCache, removeCacheEntry } from './cache.ts';
import { parseJson } from './digest.ts';
import type { Store, StoredFile } from './store.ts';

/** An artifact that nothing names may have been written by a step that has yet to record its result. */
const youngestMs = 60 * 60 * 1000;

/** What a collection removes, or with `dryRun` would remove. */
export interface Collected {
  readonly entries: readonly KeyedCacheEntry[];
  readonly artifacts: readonly { readonly kind: string; readonly digest: string; readonly bytes: number }[];
  readonly bytes: number;
}

/**
 * Removes cache entries whose artifacts are gone, then artifacts that no result of a run, no cache entry, no model, and no
 * other artifact that is kept names. Artifacts that were written to within the last hour stay.
 */
export async function collectGarbage(
  store: Store,
  { dryRun, now = Date.now() }: { readonly dryRun: boolean; readonly now?: number },
): Promise<Collected> {
  const folders = foldersOf(await store.list('artifacts'));
  const isThere = (ref: ArtifactRef) => folders.has(artifactFolder(ref));
  const cached = await listCache(store);
  const entries = cached.filter(({ result }) => !artifactsIn(result).every(isThere));
  const kept = cached.filter((entry) => !entries.includes(entry));
  const named = await reach(store, [...artifactsIn(kept.map(({ result }) => result)), ...(await namedOutside(store))]);

  const artifacts: { kind: string; digest: string; bytes: number }[] = [];
  for (const [folder, files] of folders) {
    if (named.has(folder) || (await isYoung(store, files, now))) continue;
    const [, kind = '', digest = ''] = folder.split('/');
    artifacts.push({ kind, digest, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) });
    if (dryRun) continue;
    // The manifest first: without it, what is left of the artifact is not taken for whole.
    for (const { path } of files.toSorted((a) => (a.path.endsWith('/manifest.json') ? -1 : 1)))
      await store.remove(path);
  }
  if (!dryRun) for (const { key } of entries) await removeCacheEntry(store, key);
  return { entries, artifacts, bytes: artifacts.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function foldersOf(files: readonly StoredFile[]): Map<string, StoredFile[]> {
  const folders = new Map<string, StoredFile[]>();
  for (const file of files) {
    const [root, kind, digest] = file.path.split('/');
    if (!artifactKinds.some((each) => each === kind)) continue;
    const folder = `${root}/${kind}/${digest}`;
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}

/** What results of runs and versions of models name. */
async function namedOutside(store: Store): Promise<ArtifactRef[]> {
  const results = (await store.list('runs')).filter(({ path }) => /\/steps\/[^/]+\/result\.json$/.test(path));
  const models = (await store.list('models')).filter(({ path }) => path.endsWith('.json'));
  const found: ArtifactRef[] = [];
  for (const { path } of [...results, ...models]) {
    const bytes = await store.read(path).catch(() => null);
    if (bytes) found.push(...artifactsIn(readable(bytes)));
  }
  return found;
}

function readable(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return null;
  }
}

/** The folders of these artifacts, and of those that they were made from. */
async function reach(store: Store, roots: readonly ArtifactRef[]): Promise<Set<string>> {
  const reached = new Set<string>();
  const pending = [...roots];
  for (let ref = pending.pop(); ref; ref = pending.pop()) {
    const folder = artifactFolder(ref);
    if (reached.has(folder)) continue;
    reached.add(folder);
    const manifest = await readArtifact(store, ref).catch(() => null);
    pending.push(...artifactsIn(manifest?.about));
  }
  return reached;
}

async function isYoung(store: Store, files: readonly StoredFile[], now: number): Promise<boolean> {
  for (const { path } of files) {
    const { mtimeMs } = await stat(await store.localFile(path));
    if (now - mtimeMs < youngestMs) return true;
  }
  return false;
}
