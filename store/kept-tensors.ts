import type { ArtifactRef } from '../contracts/artifacts.ts';
import { readArtifact, readArtifactFile } from './artifacts.ts';
import { isEmptied } from './emptied.ts';
import { decodeSafetensors, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/**
 * The tensors of a file of an artifact.
 *
 * @returns null where the artifact is of a version that kept no such file, or it was removed because an image was forgotten
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function tensorsIfKept(
  store: Store,
  ref: ArtifactRef,
  file: string,
): Promise<ReadonlyMap<string, StoredTensor> | null> {
  const { files } = await readArtifact(store, ref);
  if (!files.some(({ path }) => path === file) || (await isEmptied(store, ref, file))) return null;
  return decodeSafetensors(await readArtifactFile(store, ref, file), file).tensors;
}
