import { type ArtifactRef, artifactKinds } from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { damaged, missingPart, readArtifact } from './artifacts.ts';
import { checkpointFiles, manifestOrGivenUp } from './checkpoint-files.ts';
import { parseCheckpointName } from './checkpoint-names.ts';
import { emptiedFiles } from './emptied.ts';
import { digestOfFile } from './file-digest.ts';
import { makersOf } from './makers.ts';
import { artifactFolder, emptiedMark, manifestFile, stagingFolder } from './paths.ts';
import { isMissing } from './reading.ts';
import type { KnownContent, Store, StoredFile } from './store.ts';

/** What a check of a store found. */
export interface StoreCheck {
  readonly artifacts: number;
  readonly checkpoints: number;
  /** Of the files that manifests name. */
  readonly bytes: number;
  /** What is damaged, missing or cannot be read, one sentence each. */
  readonly problems: readonly string[];
  /** Who made each damaged artifact, and the command that makes it again, one sentence each. */
  readonly remedies: readonly string[];
  /** Files of artifacts and checkpoints that no manifest names: left by a process that was killed, or by a removal that was. */
  readonly orphans: readonly StoredFile[];
}

/** How far some work on the bytes of a store is. */
export interface ByteProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/**
 * Reads every file that the manifest of an artifact or of a checkpoint names, and compares size and SHA-256. Nothing is changed. In a
 * store that is written to meanwhile, what is being written is an orphan until its manifest is there.
 *
 * @throws ContrailError StoreUnreadable where the store cannot be listed
 */
export async function checkStore(
  store: Store,
  {
    onProgress = () => {},
    signal,
  }: { readonly onProgress?: (at: ByteProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<StoreCheck> {
  const folders = new Map<string, StoredFile[]>();
  let total = 0;
  for (const file of await store.everything()) {
    const folder = checkedFolderOf(file.path);
    if (folder === null) continue;
    total += file.bytes;
    const present = folders.get(folder);
    if (present) present.push(file);
    else folders.set(folder, [file]);
  }
  const problems: string[] = [];
  const orphans: StoredFile[] = [];
  const broken: ArtifactRef[] = [];
  const counts = { artifacts: 0, checkpoints: 0, bytes: 0 };
  let done = 0;
  const see = (bytes: number) => {
    done += bytes;
    onProgress({ phase: 'Checking', done, total });
  };
  for (const [folder, present] of folders) {
    signal?.throwIfAborted();
    const artifact = artifactIn(folder);
    try {
      if (!present.some(({ path }) => path === `${folder}/${manifestFile}`)) {
        orphans.push(...present);
        continue;
      }
      const named = await (artifact ? checkArtifact(store, artifact, see) : checkCheckpoint(store, folder, see));
      if (named === null) {
        orphans.push(...present);
        continue;
      }
      counts[artifact ? 'artifacts' : 'checkpoints']++;
      counts.bytes += named.bytes;
      problems.push(...named.problems);
      if (artifact && named.problems.length > 0) broken.push(artifact);
      orphans.push(...present.filter(({ path }) => !named.files.has(path.slice(folder.length + 1))));
    } catch (error) {
      if (!isContrailError(error)) throw error;
      if (artifact) broken.push(artifact);
      // What is wrong with a checkpoint is told without its place.
      problems.push(error.code === 'CorruptCheckpoint' ? `${store.locate(folder)}: ${error.message}.` : error.message);
    }
  }
  const remedies = await remediesFor(store, broken);
  return { ...counts, problems, remedies, orphans: [...orphans, ...(await store.list(stagingFolder))] };
}

async function remediesFor(store: Store, broken: readonly ArtifactRef[]): Promise<readonly string[]> {
  const makers = await makersOf(store, broken);
  return broken.map((ref) => {
    const maker = makers.get(artifactFolder(ref));
    return maker
      ? `The ${ref.kind} ${ref.digest} was made by ${maker.step} of ${maker.run}: \`contrail resume ${maker.run}\` makes it again.`
      : `No run has a step that made the ${ref.kind} ${ref.digest}. Restore it from a backup, or do in a new run what made it.`;
  });
}

interface Named {
  readonly files: ReadonlySet<string>;
  readonly bytes: number;
  readonly problems: readonly string[];
}

async function checkArtifact(store: Store, ref: ArtifactRef, see: (bytes: number) => void): Promise<Named> {
  const folder = artifactFolder(ref);
  const { files } = await readArtifact(store, ref);
  const removed = new Set(await emptiedFiles(store, ref));
  const problems: string[] = [];
  for (const entry of files.filter(({ path }) => !removed.has(path))) {
    const path = `${folder}/${entry.path}`;
    try {
      await compare(store, path, entry, see, (expected, found) => damaged(store, ref, path, expected, found, ''));
    } catch (error) {
      if (!isContrailError(error)) throw error;
      const said = isMissing(error) ? await missingPart(store, ref, path, '') : error;
      problems.push(said.message);
    }
  }
  return {
    files: new Set([manifestFile, emptiedMark, ...files.map(({ path }) => path)]),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    problems,
  };
}

/** @returns null for a checkpoint that was given up: its files are nobody's */
async function checkCheckpoint(store: Store, folder: string, see: (bytes: number) => void): Promise<Named | null> {
  const manifest = await manifestOrGivenUp(store, folder);
  if ('owner' in manifest) return null;
  const { state } = manifest;
  const problems: string[] = [];
  const path = `${folder}/${checkpointFiles.state}`;
  try {
    await compare(store, path, state, see, (expected, found) => {
      const what = `${store.locate(path)} is damaged: expected ${expected}, found ${found}`;
      return new ContrailError('CorruptCheckpoint', `${what}. Training goes on from the checkpoint before it.`);
    });
  } catch (error) {
    if (!isContrailError(error)) throw error;
    problems.push(error.message);
  }
  return { files: new Set(Object.values(checkpointFiles)), bytes: state.bytes, problems };
}

async function compare(
  store: Store,
  path: string,
  entry: KnownContent,
  see: (bytes: number) => void,
  wrong: (expected: string, found: string) => Error,
): Promise<void> {
  const { bytes, sha256 } = await digestOfFile(store, path, see);
  if (bytes !== entry.bytes) throw wrong(`${entry.bytes} bytes`, String(bytes));
  if (sha256 !== entry.sha256) throw wrong(`SHA-256 ${entry.sha256}`, sha256);
}

const artifactPath = /^(artifacts\/([^/]+)\/[0-9a-f]{64})\/./;
const checkpointPath = /^(runs\/[^/]+\/steps\/[^/]+\/checkpoints\/([^/]+))\/./;

/** The artifact whose folder it is; null for that of a checkpoint. */
function artifactIn(folder: string): ArtifactRef | null {
  const [, kind, digest = ''] = /^artifacts\/([^/]+)\/([^/]+)$/.exec(folder) ?? [];
  const known = artifactKinds.find((each) => each === kind);
  return known ? { kind: known, digest } : null;
}

/** The folder of the artifact or checkpoint that a file is of; null for a file of neither. */
function checkedFolderOf(path: string): string | null {
  const [, artifact, kind] = artifactPath.exec(path) ?? [];
  if (artifact !== undefined) return artifactKinds.some((each) => each === kind) ? artifact : null;
  const [, checkpoint, name] = checkpointPath.exec(path) ?? [];
  return checkpoint !== undefined && name !== undefined && parseCheckpointName(name) !== null ? checkpoint : null;
}
