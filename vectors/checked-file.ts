import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { artifactFolder, damaged, localArtifactFile, readArtifact, type Store } from '../store/index.ts';

/**
 * A file of an artifact on this machine, whose digest is right. It is read piece by piece: it may be larger than memory, and native
 * code that reads a damaged one ends the process, or makes another of it that looks whole.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function checkedFile(store: Store, ref: ArtifactRef, name: string): Promise<string> {
  const path = `${artifactFolder(ref)}/${name}`;
  const file = await localArtifactFile(store, ref, name);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(piece);
  const found = hash.digest('hex');
  const expected = (await readArtifact(store, ref)).files.find((entry) => entry.path === name)?.sha256;
  if (found !== expected) throw damaged(store, ref, path, `SHA-256 ${expected ?? 'in the manifest'}`, found);
  return file;
}
