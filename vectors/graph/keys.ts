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
  // Each pair as one integer of 64 bits, the key in its upper half: what it takes depends on the rows, not on the highest key.
  const pairs = new Int32Array(2 * keys.length);
  keys.forEach((key, row) => {
    pairs[2 * row] = row;
    pairs[2 * row + 1] = key;
  });
  new BigInt64Array(pairs.buffer).sort();
  const rowAt = (place: number) => pairs[2 * place] as number;
  const keyAt = (place: number) => pairs[2 * place + 1] as number;
  return (key) => {
    let [from, to] = [0, keys.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (keyAt(middle) < key) from = middle + 1;
      else to = middle;
    }
    const rows: number[] = [];
    for (; from < keys.length && keyAt(from) === key; from++) rows.push(rowAt(from));
    return rows;
  };
}
