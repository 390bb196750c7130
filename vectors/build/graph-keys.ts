import { createHash } from 'node:crypto';

/** Gives each vector a key: rows with equal vectors share one. */
export interface KeyGiver {
  /** @returns the key, and whether no row before had it */
  readonly keyOf: (vector: Float32Array) => { readonly key: number; readonly isNew: boolean };
  /** Has a row that is in the graph already keep its key. */
  readonly keep: (vector: Float32Array, key: number) => void;
}

/** @param from the first key that is free */
export function keyGiver(from: number): KeyGiver {
  const known = new Map<string, number>();
  let next = from;
  return {
    keep: (vector, key) => known.set(digestOf(vector), key),
    keyOf: (vector) => {
      const digest = digestOf(vector);
      const key = known.get(digest);
      if (key !== undefined) return { key, isNew: false };
      known.set(digest, next);
      return { key: next++, isNew: true };
    },
  };
}

const digestOf = (vector: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    .digest('binary');
