import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { artifactEntry, artifactFolder, damaged, localArtifactFile, type Store } from '../store/index.ts';

/**
 * A file of an artifact on this machine, whose digest is right. It is read piece by piece: it may be larger than memory, and native
 * code that reads a damaged one ends the process, or makes another of it that looks whole.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function checkedFile(store: Store, ref: ArtifactRef, name: string): Promise<string> {
  const path = `${artifactFolder(ref)}/${name}`;
  const entry = await artifactEntry(store, ref, name);
  const file = await localArtifactFile(store, ref, entry);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(piece);
  const found = hash.digest('hex');
  if (found !== entry.sha256) throw damaged(store, ref, path, `SHA-256 ${entry.sha256}`, found);
  return file;
}
