import { z } from 'zod';
import { digestSchema } from '../contracts/artifacts.ts';
import { plannedStepIdSchema, runIdSchema } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { readArtifact, readEntry } from './artifacts.ts';
import { untilSpared } from './collecting.ts';
import { digestOf, jsonBytes } from './digest.ts';
import { holdArtifacts } from './hold.ts';
import { artifactsIn } from './named-artifacts.ts';
import { listFiles, readJson, unlessDamaged } from './reading.ts';
import type { Store } from './store.ts';

/**
 * Results of steps under the hash of all that they follow from, whichever run made them.
 */

export const cacheEntrySchema = z.strictObject({
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

/** Where the entry of a key is. */
export const pathOfEntry = (key: string): string => `${folder}/${digestSchema.parse(key)}.json`;

/** The name of an entry: SHA-256 of the fingerprint. */
export const cacheKey = (fingerprint: string): string => digestOf(new TextEncoder().encode(fingerprint)).sha256;

/** Records a result for other runs. */
export async function saveCacheEntry(store: Store, entry: CacheEntry): Promise<void> {
  const path = pathOfEntry(cacheKey(entry.fingerprint));
  const bytes = jsonBytes(cacheEntrySchema.parse(entry));
  await holdArtifacts(store, artifactsIn(entry.result));
  await store.write(path, bytes);
  // A collection may have been about to remove the entry that was there before.
  if (await untilSpared(store, async () => [path])) await store.write(path, bytes);
}

export const removeCacheEntry = (store: Store, key: string): Promise<void> => store.remove(pathOfEntry(key));

/** The entry for a fingerprint; null when there is none. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadCacheEntry(store: Store, fingerprint: string): Promise<CacheEntry | null> {
  const entry = await read(store, cacheKey(fingerprint));
  return entry?.fingerprint === fingerprint ? entry : null;
}

const read = (store: Store, key: string): Promise<CacheEntry | null> =>
  readJson(store, pathOfEntry(key), {
    schema: cacheEntrySchema as z.ZodType<CacheEntry>,
    what: 'a result in the cache',
    remedy: `\`contrail cache rm ${key.slice(0, 12)}\` forgets it.`,
  });

/** The keys of all entries, also of those that are damaged. @throws ContrailError StoreUnreadable */
export const listCacheKeys = async (store: Store): Promise<readonly string[]> =>
  (await listFiles(store, folder)).flatMap(({ path }) => /^cache\/([0-9a-f]{64})\.json$/.exec(path)?.[1] ?? []);

/**
 * Every entry, oldest first.
 *
 * @param onDamage is told of a damaged one, which is left out; without it, that is an error
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function listCache(
  store: Store,
  onDamage?: (problem: string) => void,
): Promise<readonly KeyedCacheEntry[]> {
  const entries = await Promise.all(
    (await listCacheKeys(store)).map(async (key) => {
      const entry = await (onDamage ? unlessDamaged(read(store, key), onDamage) : read(store, key));
      return entry ? [{ ...entry, key }] : [];
    }),
  );
  return entries.flat().sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

/**
 * Reads every file of every artifact that a result names.
 *
 * @returns what is wrong with the first that is gone or damaged; null when all are whole
 * @throws ContrailError StoreUnreadable, which says nothing about them
 */
export async function damageIn(store: Store, result: unknown): Promise<string | null> {
  let damage: string | null = null;
  await unlessDamaged(readWhole(store, result), (problem) => {
    damage = problem;
  });
  return damage;
}

async function readWhole(store: Store, result: unknown): Promise<void> {
  for (const ref of artifactsIn(result))
    for (const entry of (await readArtifact(store, ref)).files) await readEntry(store, ref, entry);
}
