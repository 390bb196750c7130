import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { IndexSettings } from '../../contracts/vector-index.ts';
import type { VectorRow, VectorsAbout } from '../../contracts/vectors.ts';
import { randomDraws } from '../../datasets/random.ts';
import { digestOf, type Store, writeArtifact } from '../../store/index.ts';
import { buildIndex, shardFiles } from '../../vectors/index.ts';

export const encoderOf = (name: string): ArtifactRef => ({ kind: 'encoder', digest: sha256(name) });
export const sha256 = (text: string): string => digestOf(new TextEncoder().encode(text)).sha256;

export interface GivenVectors {
  readonly rows: readonly {
    readonly name: string;
    readonly vector: readonly number[];
    readonly label?: string;
    readonly group?: string;
    readonly source?: string;
  }[];
  readonly encoder?: ArtifactRef;
  readonly pictures?: boolean;
  readonly perShard?: number;
}

/** A `vectors` artifact, as embedding images writes it. */
export async function vectorsOf(
  store: Store,
  { rows, encoder = encoderOf('encoder'), pictures = false, perShard = 1000 }: GivenVectors,
): Promise<ArtifactRef> {
  const dimension = rows[0]?.vector.length ?? 1;
  const shards = [];
  const files = [];
  for (let from = 0; from < rows.length; from += perShard) {
    const part = rows.slice(from, from + perShard);
    const made = shardFiles(shards.length, {
      embeddings: Float32Array.from(part.flatMap(({ vector }) => vector)),
      rows: part.map(
        ({ name, label, group, source }): VectorRow => ({
          name,
          source: sha256(source ?? name),
          ...(label === undefined ? {} : { label }),
          ...(group === undefined ? {} : { group }),
          brightness: 0.5,
          contrast: 0.1,
          saturation: 0.2,
        }),
      ),
      pictures: pictures ? part.map(({ name }) => new TextEncoder().encode(`picture of ${name}`)) : undefined,
    });
    shards.push(made.shard);
    files.push(...made.files);
  }
  const about: VectorsAbout = {
    encoder,
    dimension,
    count: rows.length,
    of: { images: 'folder', digest: sha256('folder') },
    shards,
    rejected: { count: 0 },
  };
  return writeArtifact(store, { kind: 'vectors', about, files });
}

/** An index of them. */
export const indexOf = async (
  store: Store,
  given: GivenVectors,
  settings: Partial<IndexSettings> = {},
): Promise<ArtifactRef> => (await buildIndex(store, await vectorsOf(store, given), settings)).index;

/** Embeddings in clusters, as an encoder gives them: row r is near the centre of cluster r modulo `clusters`. */
export function clustered(
  count: number,
  { dimension, clusters, seed = 1 }: { readonly dimension: number; readonly clusters: number; readonly seed?: number },
): number[][] {
  const centre = normalDraws(7);
  const noise = normalDraws(seed);
  return Array.from({ length: count }, (_, row) =>
    Array.from(
      { length: dimension },
      (_, at) => centre((row % clusters) * dimension + at) + 0.5 * noise(row * dimension + at),
    ),
  );
}

function normalDraws(seed: number): (counter: number) => number {
  const draw = randomDraws(seed, 'test vectors');
  const uniform = (counter: number) => (draw(counter) + 0.5) / 2 ** 32;
  return (counter) => Math.sqrt(-2 * Math.log(uniform(2 * counter))) * Math.cos(2 * Math.PI * uniform(2 * counter + 1));
}
