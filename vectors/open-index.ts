import type { ArtifactRef } from '../contracts/artifacts.ts';
import { count } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { unitLength } from '../contracts/unit-length.ts';
import { type IndexAbout, indexAboutSchema, mostNeighbours } from '../contracts/vector-index.ts';
import type { VectorRow } from '../contracts/vectors.ts';
import { readAbout, readArtifact, type Store } from '../store/index.ts';
import { type ArtifactParts, artifactParts } from './artifact-parts.ts';
import { checkQueries } from './check-queries.ts';
import { checkedFile, onFolderChange, requireFiles } from './checked-file.ts';
import { rowsWithoutDirection } from './direction.ts';
import { startSearchThread } from './search/search-thread.ts';
import type { Found } from './search/searcher.ts';
import { shardPlaces } from './shard-places.ts';
import { parsedRow, pictureEnds, rowEnds, type Shard } from './shards.ts';

/** A row that was found. */
export interface Hit {
  readonly row: number;
  /** Cosine similarity, -1 to 1. */
  readonly score: number;
}

/** An index that can be searched. It does not change while it is open. */
export interface VectorIndex {
  readonly about: IndexAbout;
  /**
   * The k rows that are nearest to each query, the nearest first; fewer where the index has fewer rows, and none for a query of zeros, which
   * is like nothing.
   *
   * @param queries float32 [n, dimension] as the index's encoder gives them, of any length
   * @param k at most 1000
   * @throws ContrailError InvalidInput for queries of another dimension or with NaN, or an impossible k
   */
  readonly search: (queries: Float32Array, k: number) => Promise<readonly (readonly Hit[])[]>;
  /** What is known of a row. @throws ContrailError CorruptArtifact, StoreUnreadable */
  readonly row: (at: number) => Promise<VectorRow>;
  /** A WebP file of at most 96 pixels a side; null where none is kept. @throws ContrailError CorruptArtifact, StoreUnreadable */
  readonly picture: (at: number) => Promise<Uint8Array | null>;
  /** Looks whether its files are still there; cheap where nothing was added to their folder or removed. @throws ContrailError CorruptArtifact, StoreUnreadable */
  readonly check: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Opens an index to be searched, in a thread of its own. Queries must come from `about.encoder`: see `requireEncoder`.
 *
 * @param options.thorough whether the digest of every file is checked now; otherwise those of rows and pictures are when they are first wanted
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function openIndex(
  store: Store,
  ref: ArtifactRef,
  { thorough = false }: { readonly thorough?: boolean } = {},
): Promise<VectorIndex> {
  const about = await readAbout(store, ref, indexAboutSchema);
  const check = onFolderChange(store, ref, () => requireFiles(store, ref));
  await check();
  if (thorough) for (const { path } of (await readArtifact(store, ref)).files) await checkedFile(store, ref, path);
  const { dimension } = about;
  const thread = await startSearchThread(store, ref);
  const placeOf = shardPlaces(about.shards, 'the index');
  const partsOf = (name: (shard: Shard) => string | undefined, endsOf: Parameters<typeof artifactParts>[3]) =>
    about.shards.map((shard) => {
      const file = name(shard);
      return file === undefined ? null : artifactParts(store, ref, file, endsOf);
    });
  const rows = partsOf(
    (shard) => shard.rows,
    (bytes) => ({ start: 0, ends: rowEnds(bytes) }),
  );
  const pictures = partsOf((shard) => shard.pictures, pictureEnds);
  const partAt = (parts: readonly (ArtifactParts | null)[], at: number) => {
    const { shard, within } = placeOf(at);
    return parts[shard]?.part(within) ?? null;
  };
  return {
    about,
    search: async (queries, k) => {
      checkQueries(queries, dimension);
      checkNeighbours(k);
      const [asked, places] = withDirection(queries, dimension);
      if (asked.length === 0) return places.map(() => []);
      const found = hitsOf(await thread.search(unitLength(asked, dimension), k));
      return places.map((place) => (place === null ? [] : (found[place] ?? [])));
    },
    row: async (at) => {
      const line = await partAt(rows, at);
      return parsedRow(new TextDecoder().decode(line ?? new Uint8Array()), `row ${at} of the index ${ref.digest}`);
    },
    picture: async (at) => partAt(pictures, at),
    check,
    close: thread.close,
  };
}

/** Queries that have a direction, and for each query its place among these; null where it has none. */
function withDirection(queries: Float32Array, dimension: number): [Float32Array, readonly (number | null)[]] {
  const without = new Set(rowsWithoutDirection(queries, dimension));
  const count = queries.length / dimension;
  const asked = new Float32Array((count - without.size) * dimension);
  let next = 0;
  const places = Array.from({ length: count }, (_, at) => {
    if (without.has(at)) return null;
    asked.set(queries.subarray(at * dimension, (at + 1) * dimension), next * dimension);
    return next++;
  });
  return [asked, places];
}

function checkNeighbours(k: number): void {
  if (!Number.isInteger(k) || k < 1 || k > mostNeighbours)
    throw new ContrailError(
      'InvalidInput',
      `A search finds 1 to ${count(mostNeighbours)} neighbours, so ${k} is not possible.`,
    );
}

/** Rows that are equally near come in the order of the index. */
function hitsOf({ rows, scores, counts }: Found): Hit[][] {
  const k = counts.length === 0 ? 0 : rows.length / counts.length;
  return Array.from(counts, (taken, query) =>
    Array.from({ length: taken }, (_, at) => ({
      row: rows[query * k + at] as number,
      score: scores[query * k + at] as number,
    })).sort((a, b) => b.score - a.score || a.row - b.row),
  );
}
