import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { VectorRow, VectorsAbout } from '../../contracts/vectors.ts';
import type { Store } from '../../store/index.ts';
import { readShardRows, readVectors } from '../shards.ts';

/** What is said of embeddings in the files that are written of them. */
export interface OutputAbout {
  /** The model, or the run and step, that the encoder is of. */
  readonly model: string;
  /** Of the model; null for one of a run. */
  readonly version: number | null;
  readonly encoder: ArtifactRef;
  readonly vectors: ArtifactRef;
  readonly of: VectorsAbout['of'];
  readonly count: number;
  readonly dimension: number;
  readonly rejected: number;
}

/** Embeddings that are to be written. */
export interface Embeddings {
  readonly store: Store;
  readonly ref: ArtifactRef;
  readonly shards: VectorsAbout['shards'];
  readonly about: OutputAbout;
  /** Tells how many rows are written. */
  readonly onProgress: (done: number) => void;
}

/** Rows that are written before other work gets its turn. */
const rowsAtOnce = 1000;

/** The rows and embeddings, of at most a thousand images at a time. @throws ContrailError CorruptArtifact */
export async function* eachShard({ store, ref, shards, about, onProgress }: Embeddings): AsyncGenerator<{
  readonly rows: readonly VectorRow[];
  /** float32 [rows, dimension]. */
  readonly values: Float32Array;
}> {
  let done = 0;
  for (const shard of shards) {
    const rows = await readShardRows(store, ref, shard);
    const values = await readVectors(store, ref, shard, about.dimension);
    for (let at = 0; at < shard.count; at += rowsAtOnce) {
      const some = rows.slice(at, at + rowsAtOnce);
      yield { rows: some, values: values.subarray(at * about.dimension, (at + some.length) * about.dimension) };
      done += some.length;
      onProgress(done);
    }
  }
}
