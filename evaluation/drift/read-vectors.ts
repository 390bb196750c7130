import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { type VectorRow, type VectorsAbout, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { readAbout, type Store } from '../../store/index.ts';
import { shardPlaces } from '../../vectors/shard-places.ts';
import { readPictures, readShardRows, readVectors, type Shard } from '../../vectors/shards.ts';
import type { Embedding } from '../embedding.ts';
import type { RowFacts } from './choose-rows.ts';

/** A `vectors` artifact, read piece by piece: never all of its embeddings. */
export interface OpenVectors {
  readonly about: VectorsAbout;
  readonly facts: readonly RowFacts[];
  /** The embeddings of some rows and of others, in their order. Each shard is read once for both. */
  readonly embeddings: (some: Int32Array, others: Int32Array) => Promise<readonly [Embedding, Embedding]>;
  /** What some images are called, by their rows, and their pictures where there are any. */
  readonly shown: (rows: readonly number[]) => Promise<ReadonlyMap<number, ShownRow>>;
}

/** An image to show people. */
export interface ShownRow {
  readonly row: VectorRow;
  readonly picture: Uint8Array | null;
}

/**
 * Opens vectors and reads what is known of their rows.
 *
 * @param turn is told how many rows have been read; may throw to stop
 * @throws ContrailError CorruptArtifact
 */
export async function openVectors(
  store: Store,
  ref: ArtifactRef,
  turn: (done: number, total: number) => Promise<void>,
): Promise<OpenVectors> {
  const about = await readAbout(store, ref, vectorsAboutSchema);
  const facts: RowFacts[] = [];
  for (const shard of about.shards) {
    for (const row of await readShardRows(store, ref, shard)) facts.push(factsOf(row));
    await turn(facts.length, about.count);
  }
  const placeOf = shardPlaces(about.shards, 'the artifact');
  /** The shards that hold some rows, with the place of each in `rows` and in its shard. */
  const shardsOf = (rows: ArrayLike<number>) => {
    const found = new Map<number, { readonly at: number; readonly place: number }[]>();
    for (let at = 0; at < rows.length; at++) {
      const { shard, within } = placeOf(rows[at] as number);
      const own = found.get(shard) ?? [];
      own.push({ at, place: within });
      found.set(shard, own);
    }
    return [...found].map(([number, places]) => ({ shard: about.shards[number] as Shard, places }));
  };
  return {
    about,
    facts,
    embeddings: async (some, others) => {
      const { dimension } = about;
      const rows = new Int32Array(some.length + others.length);
      rows.set(some);
      rows.set(others, some.length);
      const values = new Float32Array(rows.length * dimension);
      for (const { shard, places } of shardsOf(rows)) {
        const own = await readVectors(store, ref, shard, dimension);
        for (const { at, place } of places)
          values.set(own.subarray(place * dimension, (place + 1) * dimension), at * dimension);
      }
      const split = some.length * dimension;
      return [
        { values: values.subarray(0, split), count: some.length, dimension },
        { values: values.subarray(split), count: others.length, dimension },
      ];
    },
    shown: async (rows) => {
      const found = new Map<number, ShownRow>();
      for (const { shard, places } of shardsOf(rows)) {
        const [own, pictures] = [await readShardRows(store, ref, shard), await readPictures(store, ref, shard)];
        for (const { at, place } of places)
          found.set(rows[at] as number, { row: own[place] as VectorRow, picture: pictures?.[place] ?? null });
      }
      return found;
    },
  };
}

const factsOf = ({ source, group, label, split, brightness, contrast, saturation }: VectorRow): RowFacts => ({
  source,
  ...(group === undefined ? {} : { group }),
  ...(label === undefined ? {} : { label }),
  ...(split === undefined ? {} : { split }),
  brightness,
  contrast,
  saturation,
});
