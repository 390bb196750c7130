import { ContrailError } from '../contracts/errors.ts';
import { decodeSafetensorsHeader, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/** More than the header of a file of a few tensors. */
const headerRoom = 2 ** 16;

/**
 * Reads one tensor of a file of a few, and nothing else of it. The digest of the file is not checked.
 *
 * @throws ContrailError CorruptArtifact for a file that is gone, or has no such tensor; StoreUnreadable
 */
export async function readTensor(store: Store, path: string, name: string): Promise<StoredTensor> {
  const head = await store.readRange(path, 0, headerRoom);
  const found = decodeSafetensorsHeader(head.content, head.fileBytes, path).tensors.get(name);
  if (!found) throw new ContrailError('CorruptArtifact', `${store.locate(path)} lacks ${name}.`);
  const { dtype, shape, offset, bytes } = found;
  const end = offset + bytes;
  const data =
    end <= head.content.length
      ? head.content.subarray(offset, end)
      : (await store.readRange(path, offset, end)).content;
  if (data.length < bytes)
    throw new ContrailError('CorruptArtifact', `${store.locate(path)} became shorter while it was read.`);
  return { name, dtype, shape, data };
}
