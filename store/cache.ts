import { z } from 'zod';
import { type ArtifactRef, artifactRefSchema, digestSchema } from '../contracts/artifacts.ts';
import { isContrailError } from '../contracts/errors.ts';
import { plannedStepIdSchema, runIdSchema } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { readArtifact, readArtifactFile } from './artifacts.ts';
import { digestOf, jsonBytes, parseJson } from './digest.ts';
import type { Store } from './store.ts';

/**
 * Results of steps under the hash of all that they follow from, whichever run made them.
 */

const cacheEntrySchema = z.strictObject({
  /** Canonical JSON of kind, version, parameters and input digests. */
  fingerprint: z.string(),
  result: z.record(z.string(), z.json()),
  run: runIdSchema,
  step: plannedStepIdSchema,
  createdAt: z.iso.datetime(),
});
export type CacheEntry = Omit<z.infer<typeof cacheEntrySchema>, 'result'> & {
  readonly result: Readonly<Record<string, Json>>;
};
export type KeyedCacheEntry = CacheEntry & { readonly key: string };

const folder = 'cache';
const pathOf = (key: string) => `${folder}/${digestSchema.parse(key)}.json`;

/** The name of an entry: SHA-256 of the fingerprint. */
export const cacheKey = (fingerprint: string): string => digestOf(new TextEncoder().encode(fingerprint)).sha256;

export const saveCacheEntry = (store: Store, entry: CacheEntry): Promise<void> =>
  store.write(pathOf(cacheKey(entry.fingerprint)), jsonBytes(cacheEntrySchema.parse(entry)));

export const removeCacheEntry = (store: Store, key: string): Promise<void> => store.remove(pathOf(key));

/** The entry for a fingerprint; null when there is none, or it cannot be read. */
export async function loadCacheEntry(store: Store, fingerprint: string): Promise<CacheEntry | null> {
  const entry = await read(store, cacheKey(fingerprint));
  return entry?.fingerprint === fingerprint ? entry : null;
}

async function read(store: Store, key: string): Promise<CacheEntry | null> {
  if (!(await store.exists(pathOf(key)))) return null;
  try {
    return cacheEntrySchema.parse(parseJson(await store.read(pathOf(key)))) as CacheEntry;
  } catch {
    return null;
  }
}

/** Every entry, oldest first; those that cannot be read are left out. */
export async function listCache(store: Store): Promise<readonly KeyedCacheEntry[]> {
  const keys = (await store.list(folder)).flatMap(({ path }) => /^cache\/([0-9a-f]{64})\.json$/.exec(path)?.[1] ?? []);
  const entries = await Promise.all(keys.map(async (key) => ({ key, entry: await read(store, key) })));
  return entries
    .flatMap(({ key, entry }) => (entry ? [{ ...entry, key }] : []))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

/** Every reference to an artifact in a value. */
export function artifactsIn(value: unknown): ArtifactRef[] {
  if (typeof value !== 'object' || value === null) return [];
  const ref = artifactRefSchema.safeParse(value);
  return ref.success ? [ref.data] : Object.values(value).flatMap(artifactsIn);
}

/**
 * Reads every file of every artifact that a result names.
 *
 * @returns what is wrong with the first that is gone or damaged; null when all are whole
 */
export async function damageIn(store: Store, result: unknown): Promise<string | null> {
  try {
    for (const ref of artifactsIn(result))
      for (const { path } of (await readArtifact(store, ref)).files) await readArtifactFile(store, ref, path);
    return null;
  } catch (error) {
    if (isContrailError(error)) return error.message;
    throw error;
  }
}
