import sharp from 'sharp';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { evaluateParameters } from '../../../contracts/kinds/evaluate.ts';
import { linearProbeParameters } from '../../../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import type { ModelVersion } from '../../../contracts/models.ts';
import { loadSplit, prepareDataset } from '../../../datasets/index.ts';
import { stepJobs } from '../../../evaluation/index.ts';
import {
  addVersion,
  digestOf,
  loadCurrent,
  loadForgotten,
  openStore,
  type Store,
  writeArtifact,
} from '../../../store/index.ts';
import { openEncoder } from '../../../training/index.ts';
import { buildIndex, shardFiles } from '../../../vectors/index.ts';
import { openRun, trainEpochs } from '../../training/run.ts';

/** A trained model with everything that serving it takes. */
export interface TrainedModel {
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
  readonly evaluation: ArtifactRef;
  readonly index: ArtifactRef;
}

/** A store with data, and models that are really trained. */
export interface ModelStore {
  readonly storeUrl: string;
  readonly store: Store;
  readonly dataset: ArtifactRef;
  /** Photos that no model has seen, as PNG files. */
  readonly photos: readonly Buffer[];
  /** @param seed of the weights: another one is another model */
  readonly train: (seed: number) => Promise<TrainedModel>;
  /** Makes a model the current one of the name `gratings`. */
  readonly promote: (model: TrainedModel, parts?: { readonly withIndex: boolean }) => Promise<ModelVersion>;
}

const classes = 3;

/** @param storeUrl an empty folder */
export async function makeModelStore(storeUrl: string): Promise<ModelStore> {
  const store = openStore(storeUrl);
  const given = prepareDataParameters.parse({ dataset: 'generated', generated: { classes, images: 160 }, test: 0.3 });
  const { ref: dataset } = await prepareDataset(store, given, { cacheFolder: storeUrl });
  const test = await loadSplit(store, dataset, 'test');
  const { images, height, width, channels } = { ...test, ...shapeOf(test.images.length / test.count) };
  const size = height * width * channels;
  const png = (all: Uint8Array, row: number) =>
    sharp(all.subarray(row * size, (row + 1) * size), { raw: { height, width, channels } })
      .png()
      .toBuffer();
  const photos = await Promise.all(Array.from({ length: 12 }, (_, row) => png(images, row)));

  const indexOf = async (encoder: ArtifactRef): Promise<ArtifactRef> => {
    const train = await loadSplit(store, dataset, 'train');
    const opened = await openEncoder(store, encoder);
    const all = await opened.features(train.images, train.count);
    opened.dispose();
    const sourceOf = (row: number) => digestOf(train.images.subarray(row * size, (row + 1) * size)).sha256;
    // As embedding does.
    const forgotten = (await loadForgotten(store)).flatMap(({ sources }) => sources);
    const kept = Array.from({ length: train.count }, (_, row) => row).filter(
      (row) => !forgotten.includes(sourceOf(row)),
    );
    const dimension = all.length / train.count;
    const embeddings = new Float32Array(kept.length * dimension);
    for (const [at, row] of kept.entries())
      embeddings.set(all.subarray(row * dimension, (row + 1) * dimension), at * dimension);
    const rows = kept.map((row) => ({
      name: `train/${row}.png`,
      source: sourceOf(row),
      label: `class-${train.labels[row]}`,
      ...{ brightness: 0.5, contrast: 0.2, saturation: 0.1 },
    }));
    const pictures = await Promise.all(
      kept.map((row) =>
        sharp(train.images.subarray(row * size, (row + 1) * size), { raw: { height, width, channels } })
          .webp({ lossless: true })
          .toBuffer(),
      ),
    );
    const { shard, files } = shardFiles(0, { embeddings, rows, pictures });
    const about = {
      encoder,
      dimension,
      count: kept.length,
      of: { dataset, splits: ['train'] },
      shards: [shard],
      rejected: { count: 0 },
    };
    return (await buildIndex(store, await writeArtifact(store, { kind: 'vectors', about, files }))).index;
  };

  return {
    ...{ storeUrl, store, dataset, photos },
    train: async (seed) => {
      const run = `served-${seed}`;
      const key = { run, step: 'measure' };
      const context = { store, key, stopRequested: () => false, progress: () => {} };
      const config = {
        ...{ encoder: { name: 'small-resnet', channels: 8, blocks: [1] }, batch: 32, epochs: 1, seed },
        ...{ projection: { hidden: 16, output: 8 }, optimizer: { name: 'adam', learningRate: 0.01 } },
      };
      const { encoder } = (await trainEpochs(openRun({ store, run, dataset, config }), 1)).made;
      const parameters = linearProbeParameters.parse({ epochs: 20, learningRates: [0.1] });
      const { classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context);
      const measures = { ...key, classifier, encoder, dataset, parameters: evaluateParameters.parse({}) };
      const { evaluation } = await stepJobs.evaluate(measures, context);
      return { encoder, classifier, evaluation, index: await indexOf(encoder) };
    },
    promote: async ({ index, ...model }, { withIndex } = { withIndex: true }) => {
      const before = await loadCurrent(store, 'gratings');
      const version = await addVersion(store, {
        ...{ model: 'gratings', version: (before?.version ?? 0) + 1, run: 'served', step: null },
        ...model,
        ...(withIndex ? { index } : {}),
        ...{ metrics: { top1: 0.9 }, testSet: '0'.repeat(64), reason: 'by a test' },
      });
      if (!version) throw new Error('another test promoted at the same time');
      return version;
    },
  };
}

/** Squares in one or three channels. */
function shapeOf(bytes: number): { readonly height: number; readonly width: number; readonly channels: 1 | 3 } {
  const channels = Number.isInteger(Math.sqrt(bytes)) ? 1 : 3;
  const side = Math.sqrt(bytes / channels);
  return { height: side, width: side, channels };
}
