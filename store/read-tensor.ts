import { open } from 'node:fs/promises';
import { ContrailError } from '../contracts/errors.ts';
import { isMissing, missingFile, unreadable } from './reading.ts';
import { decodeSafetensorsHeader, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/** More than the header of a file of a few tensors. */
const headerRoom = 2 ** 16;

/**
 * Reads one tensor of a file of a few, and nothing else of it. The digest of the file is not checked.
 *
 * @throws ContrailError CorruptArtifact for a file that is gone, or has no such tensor
 */
export async function readTensor(store: Store, path: string, name: string): Promise<StoredTensor> {
  const where = await store.localFile(path);
  // It may have been removed just now.
  const file = await open(where, 'r').catch((error: unknown) => {
    throw isMissing(error) ? missingFile(where, error) : unreadable(where, error);
  });
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(headerRoom, size));
    await file.read(head, 0, head.length, 0);
    const found = decodeSafetensorsHeader(head, size, path).tensors.get(name);
    if (!found) throw new ContrailError('CorruptArtifact', `${store.locate(path)} lacks ${name}.`);
    const { dtype, shape, offset, bytes } = found;
    const data = Buffer.alloc(bytes);
    await file.read(data, 0, bytes, offset);
    return { name, dtype, shape, data };
  } finally {
    await file.close();
  }
}
