import { createHash } from 'node:crypto';
import type { ArtifactRef, SplitName } from '../../contracts/artifacts.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { VectorRow, VectorsAbout } from '../../contracts/vectors.ts';
import { createDatasetWriter } from '../../datasets/dataset-writer.ts';
import {
  describeDataset,
  type LoadedSplit,
  loadSplit,
  lookOf,
  permutation,
  prepareDataset,
} from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { openHome } from '../../home/home.ts';
import { type Store, writeArtifact } from '../../store/index.ts';
import { openEncoder } from '../../training/index.ts';
import { shardFiles } from '../../vectors/index.ts';
import { imageOf } from '../image-of.ts';
import { trainEncoder } from '../train-encoder.ts';

/** The class that the encoder does not know. */
export const newClass = 'Bag';
const validationImages = 3000;
const key = { run: 'bench', step: 'pretrain' };
const config = {
  encoder: { name: 'small-resnet', channels: 16, blocks: [1, 1, 1], stemStride: 2 },
  projection: { hidden: 128, output: 64 },
  loss: { supcon: { temperature: 0.1 } },
  optimizer: { name: 'adam', learningRate: 0.002 },
  schedule: { name: 'cosine', warmupEpochs: 0.5 },
  batch: 128,
} as const;

/** How long the encoder is trained, on how many images of all ten classes, of which it gets nine. */
export interface PoolTraining {
  readonly images: number;
  readonly epochs: number;
  readonly augmentation: 'tutorial' | 'none';
}

/** Images that were embedded once, to be drawn from. */
export interface Pool {
  readonly embeddings: Float32Array;
  readonly rows: readonly VectorRow[];
}

export interface Pools {
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
  readonly dimension: number;
  readonly train: Pool;
  readonly validation: Pool;
  /** Test images of the known classes, and of the new one. */
  readonly fresh: Pool;
  readonly news: Pool;
  /** The test images of the known classes once more, their pixels times 0.9 and 0.7. */
  readonly dimmer: Pool;
  readonly darker: Pool;
}

/** Trains an encoder on nine classes of Fashion-MNIST, a probe on it, and embeds all that cases are made of. */
export async function makePools(
  store: Store,
  folder: string,
  training: PoolTraining,
  say: (line: string) => void,
): Promise<Pools> {
  const { cacheFolder } = openHome();
  const wanted = prepareDataParameters.parse({
    dataset: 'fashion-mnist',
    limit: { train: training.images + validationImages },
    validation: 0,
  });
  const { ref } = await prepareDataset(store, wanted, { cacheFolder });
  const { classes } = await describeDataset(store, ref);
  const [train, test] = [await loadSplit(store, ref, 'train'), await loadSplit(store, ref, 'test')];
  const isNew = (label: number) => classes[label] === newClass;
  const writer = createDatasetWriter(folder, { classes: classes.filter((name) => name !== newClass), channels: 1 });
  const sides: { train: number[]; validation: number[] } = { train: [], validation: [] };
  for (const [at, row] of permutation(train.count, 0, 'sides of the benchmark').entries())
    if (!isNew(train.labels[row] as number)) sides[at < validationImages ? 'validation' : 'train'].push(row);
  for (const [split, rows] of Object.entries(sides))
    for (const row of rows)
      await writer.add({
        ...imageOf(train, row),
        split: split as 'train' | 'validation',
        class: classes[train.labels[row] as number] as string,
      });
  const dataset: ArtifactRef = { kind: 'dataset', digest: (await writer.finish()).digest };

  const { epochs, augmentation } = training;
  const nineClasses = { key, dataset, config: { ...config, epochs, augmentation } };
  const encoder = await trainEncoder(store, nineClasses, (epoch, { loss }) =>
    say(`epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}`),
  );
  const context = { store, key: { ...key, step: 'probe' }, progress: () => {}, stopRequested: () => false };
  const parameters = linearProbeParameters.parse({ epochs: 30, learningRates: [0.01] });
  const probe = await stepJobs['linear-probe']({ ...key, step: 'probe', encoder, dataset, parameters }, context);
  const frozen = await openEncoder(store, encoder);
  try {
    const embed = async (
      from: LoadedSplit,
      rows: readonly number[],
      brightness = 1,
      split?: SplitName,
    ): Promise<Pool> => {
      const pixels = Buffer.concat(rows.map((row) => imageOf(from, row).pixels)).map((value) => value * brightness);
      const size = from.height * from.width;
      return {
        embeddings: await frozen.features(pixels, rows.length),
        rows: rows.map((row, at) => ({
          name: `${split ?? 'test'}/${row}`,
          source: createHash('sha256')
            .update(`${split ?? 'test'}/${row}`)
            .digest('hex'),
          label: classes[from.labels[row] as number] as string,
          ...(split ? { split } : {}),
          ...lookOf(pixels.subarray(at * size, (at + 1) * size), 1),
        })),
      };
    };
    const known = Array.from(test.labels.keys()).filter((row) => !isNew(test.labels[row] as number));
    return {
      encoder,
      classifier: probe.classifier,
      dimension: frozen.dimension,
      train: await embed(train, sides.train, 1, 'train'),
      validation: await embed(train, sides.validation, 1, 'validation'),
      fresh: await embed(test, known),
      news: await embed(
        test,
        Array.from(test.labels.keys()).filter((row) => isNew(test.labels[row] as number)),
      ),
      dimmer: await embed(test, known, 0.9),
      darker: await embed(test, known, 0.7),
    };
  } finally {
    frozen.dispose();
  }
}

/** Writes rows of some pools as a `vectors` artifact. */
export async function writeVectors(
  store: Store,
  { encoder, dimension }: Pick<Pools, 'encoder' | 'dimension'>,
  parts: readonly { readonly pool: Pool; readonly rows: readonly number[] }[],
): Promise<ArtifactRef> {
  const rows = parts.flatMap(({ pool, rows: taken }) => taken.map((row) => pool.rows[row] as VectorRow));
  const embeddings = new Float32Array(rows.length * dimension);
  let at = 0;
  for (const { pool, rows: taken } of parts)
    for (const row of taken)
      embeddings.set(pool.embeddings.subarray(row * dimension, (row + 1) * dimension), dimension * at++);
  const { shard, files } = shardFiles(0, { embeddings, rows });
  const about: VectorsAbout = {
    encoder,
    dimension,
    count: rows.length,
    of: { images: 'made for the benchmark', digest: encoder.digest },
    shards: [shard],
    rejected: { count: 0 },
  };
  return writeArtifact(store, { kind: 'vectors', about, files });
}
