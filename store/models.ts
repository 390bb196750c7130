import { type ModelVersion, modelVersionSchema, type Refusal, refusalSchema } from '../contracts/models.ts';
import { jsonBytes } from './digest.ts';
import { holdArtifacts } from './hold.ts';
import { artifactsIn } from './named-artifacts.ts';
import { listFiles, listFolders, readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * The models that a name stood for, one after the other: `models/<name>/versions/000001.json` and so on.
 *
 * I1. A version is written once and never changed; of several writers of one number exactly one succeeds.
 * I2. The highest version is the current one. A rollback is a new version that restores an older one's model.
 * I3. `models/<name>/current.json` is a copy of the highest version, replaced as a whole; whoever wrote it last has seen
 * that there is none higher.
 * I4. That there is none higher is known once the next one was looked for: a listing may be older than it.
 */
const folderOf = (model: string) => `models/${model}`;
const versionPath = (model: string, version: number) =>
  `${folderOf(model)}/versions/${String(version).padStart(6, '0')}.json`;
const currentPath = (model: string) => `${folderOf(model)}/current.json`;

/** The names that have a model, in order. */
export const listModels = (store: Store): Promise<readonly string[]> => listFolders(store, 'models');

/** Every version of a model, oldest first. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadVersions(store: Store, model: string): Promise<readonly ModelVersion[]> {
  const versions = await Promise.all((await pathsOfVersions(store, model)).map((path) => readVersion(store, path)));
  return versions.filter((version) => version !== null);
}

const readVersion = (store: Store, path: string): Promise<ModelVersion | null> =>
  readJson(store, path, {
    schema: modelVersionSchema,
    what: 'a version of a model',
    remedy: 'Put it right, or remove it to go back to the version before.',
  });

/** Those that are listed, and those after them that are there all the same. */
async function pathsOfVersions(store: Store, model: string): Promise<readonly string[]> {
  const paths = (await listFiles(store, `${folderOf(model)}/versions`)).map(({ path }) => path);
  for (let next = Math.max(0, ...paths.map(numberOf)) + 1; await store.exists(versionPath(model, next)); next++)
    paths.push(versionPath(model, next));
  return paths;
}

const numberOf = (path: string): number => Number(/\/(\d+)\.json$/.exec(path)?.[1] ?? 0);

/** The current model of a name; null where there is none. */
export const loadCurrent = async (store: Store, model: string): Promise<ModelVersion | null> =>
  (await loadVersions(store, model)).at(-1) ?? null;

/** A text that is another one once a version was added or removed, without reading any. @throws ContrailError StoreUnreadable */
export async function markOfVersions(store: Store, model: string): Promise<string> {
  const paths = await pathsOfVersions(store, model);
  return `${paths.length} ${paths.at(-1) ?? ''}`;
}

const refusedFolder = (model: string) => `${folderOf(model)}/refused`;

/** Records that a candidate was not promoted, and why. */
export async function recordRefusal(store: Store, said: Omit<Refusal, 'format' | 'at'>): Promise<void> {
  const refusal = refusalSchema.parse({ ...said, format: 'contrail-refusal/1', at: new Date().toISOString() });
  const path = `${refusedFolder(said.model)}/${said.run}/${said.step ?? 'by-hand'}.json`;
  await store.write(path, jsonBytes(refusal));
}

/** What was not promoted under a name, and why, oldest first. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadRefusals(store: Store, model: string): Promise<readonly Refusal[]> {
  const files = await listFiles(store, refusedFolder(model));
  const refusals = await Promise.all(
    files.map(({ path }) =>
      readJson(store, path, {
        schema: refusalSchema,
        what: 'the record of a model that was not promoted',
        remedy: 'Remove it: nothing but `contrail models show` reads it.',
      }),
    ),
  );
  return refusals.filter((refusal) => refusal !== null).sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}

/** Adds a version, which is the current one then. @returns it; null where another writer was first with this number */
export async function addVersion(
  store: Store,
  said: Omit<ModelVersion, 'format' | 'promotedAt'>,
): Promise<ModelVersion | null> {
  const { model, version } = said;
  const made = modelVersionSchema.parse({ ...said, format: 'contrail-model/1', promotedAt: new Date().toISOString() });
  await holdArtifacts(store, artifactsIn(made));
  if (!(await store.writeExclusive(versionPath(model, version), jsonBytes(made)))) return null;
  await pointAtHighest(store, model);
  return made;
}

/** Makes the copy of the current version the highest: whoever added that may have died before. */
export async function pointAtHighest(store: Store, model: string): Promise<void> {
  for (let written = -1; ; ) {
    const highest = await loadCurrent(store, model);
    if (!highest || highest.version === written) return;
    await store.write(currentPath(model), jsonBytes(highest));
    written = highest.version;
  }
}
