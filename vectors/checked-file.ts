import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import {
  artifactFolder,
  damaged,
  listFiles,
  localArtifactFile,
  manifestFile,
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
  const file = await localArtifactFile(store, ref, name);
  await requireDigest(store, ref, name, file);
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
  await copyFile(await localArtifactFile(store, ref, name), to, constants.COPYFILE_FICLONE);
  await requireDigest(store, ref, name, to);
}

async function requireDigest(store: Store, ref: ArtifactRef, name: string, file: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(piece);
  const found = hash.digest('hex');
  const expected = (await readArtifact(store, ref)).files.find((entry) => entry.path === name)?.sha256;
  if (found !== expected)
    throw damaged(store, ref, `${artifactFolder(ref)}/${name}`, `SHA-256 ${expected ?? 'in the manifest'}`, found);
}

/** Another one where a file was added to an artifact's folder, or removed from it. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function folderMark(store: Store, ref: ArtifactRef): Promise<string> {
  const folder = dirname(await localArtifactFile(store, ref, manifestFile));
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
