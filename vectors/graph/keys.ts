import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import {
  bytesOf,
  decodeSafetensors,
  encodeSafetensors,
  int32,
  readArtifactFile,
  type Store,
} from '../../store/index.ts';

/** The file of an index that says which key each row has in the graph. */
export const keysFile = 'keys.safetensors';

/** Keys of all rows, int32 [count], as a file of an index. */
export const encodedKeys = (keys: Int32Array): Uint8Array[] =>
  encodeSafetensors([{ name: 'keys', dtype: 'I32', shape: [keys.length], data: bytesOf(keys) }]);

/** The key of each row, int32 [count]. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function readKeys(store: Store, ref: ArtifactRef, name: string, count: number): Promise<Int32Array> {
  const tensor = decodeSafetensors(await readArtifactFile(store, ref, name), name).tensors.get('keys');
  if (tensor?.shape.join() !== String(count))
    throw new ContrailError('CorruptArtifact', `${name} does not hold the keys of ${times(count, 'row')}.`);
  return int32(tensor);
}

/**
 * The rows of a key: rows whose vectors are equal share one, because a graph of many equal vectors falls apart (a catalogue has the
 * same picture for all that has none).
 */
export function rowsByKey(keys: Int32Array): (key: number) => number[] {
  const first = new Int32Array(keys.reduce((highest, key) => Math.max(highest, key), -1) + 1).fill(-1);
  const next = new Int32Array(keys.length);
  for (let row = keys.length - 1; row >= 0; row--) {
    const key = keys[row] as number;
    next[row] = first[key] as number;
    first[key] = row;
  }
  return (key) => {
    const rows: number[] = [];
    for (let row = first[key] ?? -1; row >= 0; row = next[row] as number) rows.push(row);
    return rows;
  };
}
