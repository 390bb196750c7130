import type { VectorIndex } from '../../vectors/index.ts';
import type { Served } from './served.ts';

/** A version as one request uses it. */
export interface ServedNow extends Omit<Served, 'index'> {
  /** Null where the version has none, or it cannot be used. */
  readonly index: VectorIndex | null;
  /** Why the index of the version cannot be used; null where it can, or there is none. */
  readonly lost: string | null;
}

/** That an index could not be searched or read, which is no fault of what was asked. */
export class IndexFailure extends Error {
  override readonly name = 'IndexFailure';
}

/** The version with an index; what it answers names the index only where it is used. */
export const servedWith = (served: Served, index: VectorIndex | null): ServedNow => ({
  ...served,
  by: { ...served.by, index: index && served.by.index },
  index: index && telling(index),
  lost: index ? null : served.index.problem(),
});

/** The index, what it throws told from the faults of what was asked. */
function telling(index: VectorIndex): VectorIndex {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      throw new IndexFailure('The index could not be searched.', { cause });
    }
  };
  return {
    ...index,
    search: (queries, k) => told(index.search(queries, k)),
    row: (at) => told(index.row(at)),
  };
}

/** Work on a request with the index of a version. Where the index fails meanwhile it is given up, and the work is done once more without. */
export async function usingIndex<T>(served: Served, work: (now: ServedNow) => Promise<T>): Promise<T> {
  const index = served.index.now();
  try {
    return await work(servedWith(served, index));
  } catch (error) {
    if (!index || !(error instanceof IndexFailure)) throw error;
    served.index.failed(index, error.cause);
    return work(servedWith(served, null));
  }
}
