import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import type { ArtifactRef, FileEntry } from '../contracts/artifacts.ts';
import {
  artifactEntry,
  artifactFolder,
  damaged,
  listFiles,
  localArtifactFile,
  missingPart,
  readArtifact,
  type Store,
  unreadable,
} from '../store/index.ts';

/**
 * A file of an artifact on this machine, whose digest is right. It is read piece by piece: it may be larger than memory, and native
 * code that reads a damaged one ends the process, or makes another of it that looks whole.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function checkedFile(store: Store, ref: ArtifactRef, name: string): Promise<string> {
  const entry = await artifactEntry(store, ref, name);
  const file = await localArtifactFile(store, ref, entry);
  await requireDigest(store, ref, entry, file);
  return file;
}

/**
 * Copies a file of an artifact, and checks the digest of the copy. What native code maps into memory must be such a copy: where a mapped
 * file is cut short, by whomever, the system ends the process (SIGBUS), and no error can be caught.
 *
 * @param to is made; a file system that can share the bytes of two files does so
 * @throws ContrailError CorruptArtifact, StoreUnreadable; what Node says where the copy finds no room
 */
export async function checkedCopy(store: Store, ref: ArtifactRef, name: string, to: string): Promise<void> {
  const entry = await artifactEntry(store, ref, name);
  await copyFile(await localArtifactFile(store, ref, entry), to, constants.COPYFILE_FICLONE);
  await requireDigest(store, ref, entry, to);
}

async function requireDigest(store: Store, ref: ArtifactRef, entry: FileEntry, file: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(piece);
  const found = hash.digest('hex');
  if (found !== entry.sha256)
    throw damaged(store, ref, `${artifactFolder(ref)}/${entry.path}`, `SHA-256 ${entry.sha256}`, found);
}

const minuteMs = 60_000;

/**
 * Looks at an artifact, and again only where a file was added to its folder since, or removed from it; on a server, where only a
 * listing says so, once a minute.
 *
 * @returns gives what was found last. @throws ContrailError CorruptArtifact, StoreUnreadable; what `look` throws, and looks again next time
 */
export function onFolderChange<T>(store: Store, ref: ArtifactRef, look: () => Promise<T>): () => Promise<T> {
  let last: { readonly mark: string; readonly found: T } | null = null;
  return async () => {
    const mark = await folderMark(store, ref);
    if (last?.mark !== mark) last = { mark, found: await look() };
    return last.found;
  };
}

async function folderMark(store: Store, ref: ArtifactRef): Promise<string> {
  if (!store.url.startsWith('file:')) return `minute ${Math.floor(Date.now() / minuteMs)}`;
  const folder = store.locate(artifactFolder(ref));
  try {
    const { ino, mtimeMs } = await stat(folder);
    return `${ino} ${mtimeMs}`;
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

/**
 * Looks whether every file of an artifact is there with the length that it should have. What is in them is not read.
 *
 * @throws ContrailError CorruptArtifact that names the first that is not, and says why it is gone; StoreUnreadable
 */
export async function requireFiles(store: Store, ref: ArtifactRef): Promise<void> {
  const folder = artifactFolder(ref);
  const { files } = await readArtifact(store, ref);
  const found = new Map((await listFiles(store, folder)).map(({ path, bytes }) => [path, bytes]));
  for (const { path: name, bytes } of files) {
    const path = `${folder}/${name}`;
    const there = found.get(path);
    if (there === undefined) throw await missingPart(store, ref, path);
    if (there !== bytes) throw damaged(store, ref, path, `${bytes} bytes`, String(there));
  }
}
