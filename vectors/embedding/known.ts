import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { type Look, sourcesOfPiece } from '../../datasets/index.ts';
import { pathOfPiece, piecesIn, removePiece, type Store, unlessDamaged } from '../../store/index.ts';
import { readPictures, readShardRows, readVectors, type Shard } from '../shards.ts';
import { type EmbeddedImages, readPiece } from './pieces.ts';
import { removeDamaged, setsIn, wholeShards } from './sets.ts';

/** What is known of an image that was embedded. */
export interface EmbeddedImage {
  readonly look: Look;
  /** float32 [dimension]. */
  readonly embedding: Float32Array;
  readonly picture: Uint8Array | null;
}

/** Embeddings of a place, by the SHA-256 of what was embedded: those that wait to be gathered, and those of earlier results. */
export interface KnownEmbeddings {
  readonly has: (source: string) => boolean;
  /** @returns null for one that is not there, or not whole */
  readonly find: (source: string) => Promise<EmbeddedImage | null>;
  /** Removes what holds an image and cannot be used, so that embeddings opened anew do not count on it. */
  readonly removeHolder: (source: string) => Promise<void>;
}

/** Files that are kept in memory: rows mostly come in the order in which they came before. */
const keptHolders = 4;

/** A file, or the files of a shard, that embeddings are in. */
interface Holder {
  readonly load: () => Promise<EmbeddedImages | null>;
  readonly remove: () => Promise<void>;
}

export async function openKnown(store: Store, place: string): Promise<KnownEmbeddings> {
  const holders: Holder[] = [];
  const at = new Map<string, { readonly holder: number; readonly row: number }>();
  const add = (sources: readonly string[], content: Holder) => {
    const holder = holders.push(content) - 1;
    for (const [row, source] of sources.entries()) {
      const key = keyOf(source);
      if (!at.has(key)) at.set(key, { holder, row });
    }
  };
  for (const name of await piecesIn(store, place)) {
    const sources = await sourcesOfPiece(store, pathOfPiece(place, name));
    if (sources)
      add(sources, { load: () => readPiece(store, place, name), remove: () => removePiece(store, place, name) });
  }
  for (const { ref, about } of await setsIn(store, place))
    for (const shard of await wholeShards(store, ref, about)) {
      const remove = () => removeDamaged(store, place, ref, shard);
      const rows = await unlessDamaged(readShardRows(store, ref, shard), () => {});
      // The rows are read again when they are wanted: all of a million would not fit.
      const load = () => unlessDamaged(readShard(store, ref, shard, about.dimension), () => {});
      if (rows)
        add(
          rows.map(({ source }) => source),
          { load, remove },
        );
      else await remove();
    }

  const kept = new Map<number, ReturnType<Holder['load']>>();
  const contentOf = (holder: number) => {
    const known = kept.get(holder) ?? (holders[holder] as Holder).load();
    kept.delete(holder);
    kept.set(holder, known);
    for (const oldest of kept.keys()) if (kept.size > keptHolders) kept.delete(oldest);
    return known;
  };
  return {
    has: (source) => at.has(keyOf(source)),
    find: async (source) => {
      const place = at.get(keyOf(source));
      const content = place && (await contentOf(place.holder));
      return content ? imageOf(content, place.row) : null;
    },
    removeHolder: async (source) => {
      const place = at.get(keyOf(source));
      if (place) await holders[place.holder]?.remove();
    },
  };
}

async function readShard(store: Store, ref: ArtifactRef, shard: Shard, dimension: number): Promise<EmbeddedImages> {
  const rows = await readShardRows(store, ref, shard);
  return {
    sources: rows.map(({ source }) => source),
    embeddings: await readVectors(store, ref, shard, dimension),
    looks: Float32Array.from(rows.flatMap((row) => [row.brightness, row.contrast, row.saturation])),
    pictures: await readPictures(store, ref, shard),
  };
}

/** Half of a digest tells any number of images apart. */
const keyOf = (source: string) => source.slice(0, 32);

function imageOf({ sources, embeddings, looks, pictures }: EmbeddedImages, row: number): EmbeddedImage {
  const dimension = embeddings.length / sources.length;
  const [brightness = 0, contrast = 0, saturation = 0] = looks.subarray(3 * row, 3 * row + 3);
  return {
    embedding: embeddings.subarray(row * dimension, (row + 1) * dimension),
    look: { brightness, contrast, saturation },
    picture: pictures?.[row] ?? null,
  };
}
