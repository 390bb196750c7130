import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ArtifactRef, type FileEntry, type TreeAbout, treeAboutSchema } from '../contracts/artifacts.ts';
import {
  artifactFolder,
  damaged,
  jsonBytes,
  localArtifactFile,
  readAbout,
  readArtifact,
  type Store,
} from '../store/index.ts';
import { makeWorkspace } from './workspace.ts';

/** Gives the folder, or the file, that an artifact is on this machine, while the work lasts. */
export async function withUnpacked<T>(
  { store, cacheFolder }: { readonly store: Store; readonly cacheFolder: string },
  ref: ArtifactRef,
  signal: AbortSignal,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const space = await makeWorkspace(cacheFolder);
  try {
    return await work(await unpack(store, ref, join(space.inputs, 'files'), { signal }));
  } finally {
    await space.remove();
  }
}

interface Unpacked {
  /** Where each file of the artifact goes. */
  readonly places: readonly { readonly path: string; readonly entry: FileEntry; readonly executable: boolean }[];
  readonly about: TreeAbout | null;
}

/**
 * Copies the files of an artifact into a new folder, each verified on the way, to be read and not changed.
 *
 * Of `files` and `code` they have the paths that they had; of any other kind they lie as in the store, beside manifest.json.
 *
 * @returns the folder, or the file where the artifact is one
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function unpack(
  store: Store,
  ref: ArtifactRef,
  folder: string,
  { signal, writable = false }: { readonly signal: AbortSignal; readonly writable?: boolean },
): Promise<string> {
  const { places, about } = await placesOf(store, ref);
  await mkdir(folder, { recursive: true });
  for (const { path, entry, executable } of places) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await copyVerified(store, ref, entry, target, signal);
    await chmod(target, (writable ? 0o600 : 0o400) | (executable ? 0o100 : 0));
  }
  if (!about) {
    const manifest = createWriteStream(join(folder, 'manifest.json'), { mode: 0o400, flags: 'wx' });
    await pipeline([jsonBytes(await readArtifact(store, ref))], manifest);
  }
  if (!writable) await closeFolders(folder);
  return about?.is === 'file' ? join(folder, about.files[0]?.path ?? '') : folder;
}

async function placesOf(store: Store, ref: ArtifactRef): Promise<Unpacked> {
  const { files } = await readArtifact(store, ref);
  if (ref.kind !== 'files' && ref.kind !== 'code')
    return { places: files.map((entry) => ({ path: entry.path, entry, executable: false })), about: null };
  const about = await readAbout(store, ref, treeAboutSchema);
  const byName = new Map(files.map((entry) => [entry.path, entry]));
  const places = about.files.map(({ path, file, executable = false }) => {
    const entry = byName.get(file);
    if (!entry) throw damaged(store, ref, `${artifactFolder(ref)}/${file}`, 'a file', 'none');
    return { path, entry, executable };
  });
  return { places, about };
}

async function copyVerified(
  store: Store,
  ref: ArtifactRef,
  entry: FileEntry,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const { path, bytes, sha256 } = entry;
  const name = `${artifactFolder(ref)}/${path}`;
  const hash = createHash('sha256');
  let count = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      count += chunk.length;
      done(null, chunk);
    },
  });
  const source = createReadStream(await localArtifactFile(store, ref, entry), { highWaterMark: 1024 * 1024 });
  await pipeline(source, counting, createWriteStream(target, { flags: 'wx', mode: 0o600 }), { signal });
  if (count !== bytes) throw damaged(store, ref, name, `${bytes} bytes`, String(count));
  const found = hash.digest('hex');
  if (found !== sha256) throw damaged(store, ref, name, `SHA-256 ${sha256}`, found);
}

async function closeFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await closeFolders(join(folder, entry.name));
  await chmod(folder, 0o500);
}
