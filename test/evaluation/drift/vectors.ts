import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { driftFile, driftSchema } from '../../../contracts/drift.ts';
import type { EncoderAbout } from '../../../contracts/encoder.ts';
import { driftParameters } from '../../../contracts/kinds/drift.ts';
import { trainerJobs } from '../../../contracts/trainer.ts';
import type { VectorRow } from '../../../contracts/vectors.ts';
import { randomDraws } from '../../../datasets/index.ts';
import { stepJobs } from '../../../evaluation/index.ts';
import { readArtifactJson, type Store, writeArtifact } from '../../../store/index.ts';
import { shardFiles } from '../../../vectors/shards.ts';

/** An image that was embedded; what is not given of its row is made up. */
export interface Image {
  readonly embedding: readonly number[] | Float32Array;
  readonly row: Partial<VectorRow> & Pick<VectorRow, 'name'>;
  readonly picture?: Uint8Array;
}

/** Writes a `vectors` artifact, in shards of 1,000 rows. @param lost images that were left out */
export async function writeVectors(
  store: Store,
  encoder: ArtifactRef,
  images: readonly Image[],
  lost = 0,
): Promise<ArtifactRef> {
  const dimension = images[0]?.embedding.length ?? 1;
  const parts = Array.from({ length: Math.ceil(images.length / 1000) }, (_, number) => {
    const own = images.slice(1000 * number, 1000 * (number + 1));
    const embeddings = new Float32Array(own.length * dimension);
    own.forEach(({ embedding }, at) => {
      embeddings.set(embedding, at * dimension);
    });
    const pictures = own.flatMap(({ picture }) => picture ?? []);
    return shardFiles(number, {
      embeddings,
      rows: own.map(({ row }) => ({
        source: createHash('sha256').update(row.name).digest('hex'),
        brightness: 0.5,
        contrast: 0.2,
        saturation: 0.1,
        ...row,
      })),
      ...(pictures.length === own.length ? { pictures } : {}),
    });
  });
  const about = {
    encoder,
    dimension,
    count: images.length,
    of: { images: 'made for a test', digest: encoder.digest },
    shards: parts.map(({ shard }) => shard),
    rejected: { count: lost },
  };
  return writeArtifact(store, { kind: 'vectors', about, files: parts.flatMap(({ files }) => files) });
}

/** An encoder of which only the manifest is looked at. @param dataset that it was trained on; without one, on none of ours */
export function writeEncoder(store: Store, dataset?: string, trainingState = 'a'.repeat(64)): Promise<ArtifactRef> {
  const about: EncoderAbout = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1] },
    dimension: 8,
    image: { height: 8, width: 8, channels: 1, mean: [0], deviation: [1] },
    ...(dataset === undefined ? {} : { dataset }),
    trainingState,
    epochs: 1,
    batchNormImages: 0,
  };
  return writeArtifact(store, { kind: 'encoder', about, files: [] });
}

/** Points around a centre; the same seed gives the same. */
export function around(centre: readonly number[], spread: number, count: number, seed: number): number[][] {
  return Array.from({ length: count }, (_, image) => {
    const draw = randomDraws(seed, 'test of drift', image);
    return centre.map((value, axis) => {
      // The sum of four uniform draws is near enough to a normal one.
      const sum = [0, 1, 2, 3].reduce((total, at) => total + draw(4 * axis + at) / 2 ** 32, -2);
      return value + spread * Math.sqrt(3) * sum;
    });
  });
}

/** Runs the step, and reads what it found. */
export async function runDrift(
  store: Store,
  refs: { readonly recent: ArtifactRef; readonly reference: ArtifactRef; readonly classifier?: ArtifactRef },
  parameters: object = {},
) {
  const key = { run: 'test', step: 'drift' };
  const context = { store, key, progress: () => {}, stopRequested: () => false };
  const input = trainerJobs.drift.input.parse({ ...key, ...refs, parameters: driftParameters.parse(parameters) });
  const result = await stepJobs.drift(input, context);
  return { result, drift: await readArtifactJson(store, result.drift, driftFile, driftSchema) };
}
