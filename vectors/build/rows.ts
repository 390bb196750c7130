import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { unitLength } from '../../contracts/unit-length.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import type { Store } from '../../store/index.ts';
import {
  readPictures,
  readShardRows,
  readVectors,
  type Shard,
  type ShardContent,
  type ShardSource,
} from '../shards.ts';

/** Rows that an index is made of; they can be read as often as is needed, and are never all in memory. */
export interface IndexRows {
  readonly count: number;
  /** Vectors of unit length, float32 [n, dimension], block by block. */
  readonly vectors: () => AsyncIterable<Float32Array>;
  /** The same, with what is known of each row. */
  readonly contents: () => AsyncIterable<ShardContent>;
}

/** Rows, and what they are taken from. */
export interface RowsOfSources extends IndexRows {
  readonly sources: readonly ShardSource[];
}

/** Shards of an artifact, and which of their rows are taken; all where `keep` is absent. */
export interface RowSource {
  readonly ref: ArtifactRef;
  readonly shards: readonly Shard[];
  readonly dimension: number;
  /** @param row of all shards together */
  readonly keep?: (row: number) => boolean;
  /** What is put before the names of its rows. */
  readonly prefix?: string | undefined;
}

/** The rows of the sources, one source after the other. */
export function rowsOf(store: Store, sources: readonly RowSource[]): RowsOfSources {
  return {
    sources,
    count: sources.reduce((sum, source) => sum + partsOf(source).reduce((of, { kept }) => of + kept.length, 0), 0),
    vectors: async function* () {
      for (const source of sources)
        for (const { shard, kept } of partsOf(source))
          if (kept.length > 0) yield await vectorsAt(store, source, shard, kept);
    },
    contents: async function* () {
      for (const source of sources)
        for (const { shard, kept } of partsOf(source)) {
          if (kept.length === 0) continue;
          const rows = await readShardRows(store, source.ref, shard);
          const pictures = await readPictures(store, source.ref, shard);
          yield {
            embeddings: await vectorsAt(store, source, shard, kept),
            rows: kept.flatMap((at) => named(rows[at], source.prefix)),
            pictures: pictures ? kept.flatMap((at) => pictures[at] ?? []) : undefined,
          };
        }
    },
  };
}

const named = (row: VectorRow | undefined, prefix: string | undefined): readonly VectorRow[] =>
  row === undefined ? [] : [prefix === undefined ? row : { ...row, name: prefix + row.name }];

/** Of each shard the places that are kept. */
function partsOf({ shards, keep }: RowSource): { readonly shard: Shard; readonly kept: readonly number[] }[] {
  let first = 0;
  return shards.map((shard) => {
    const from = first;
    first += shard.count;
    const all = Array.from({ length: shard.count }, (_, at) => at);
    return { shard, kept: keep ? all.filter((at) => keep(from + at)) : all };
  });
}

async function vectorsAt(
  store: Store,
  { ref, dimension }: RowSource,
  shard: Shard,
  kept: readonly number[],
): Promise<Float32Array> {
  const all = await readVectors(store, ref, shard, dimension);
  const taken = new Float32Array(kept.length * dimension);
  for (const [to, at] of kept.entries()) taken.set(all.subarray(at * dimension, (at + 1) * dimension), to * dimension);
  // What an index holds has unit length already; scaling it again would change its last bits.
  return ref.kind === 'index' ? taken : unitLength(taken, dimension);
}
