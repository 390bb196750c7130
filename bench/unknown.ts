import { join } from 'node:path';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { evaluateParameters } from '../contracts/kinds/evaluate.ts';
import { linearProbeParameters } from '../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { trainerJobs } from '../contracts/trainer.ts';
import { createDatasetWriter } from '../datasets/dataset-writer.ts';
import { describeDataset, type LoadedSplit, loadSplit, permutation, prepareDataset } from '../datasets/index.ts';
import { stepJobs } from '../evaluation/index.ts';
import { openHome } from '../home/home.ts';
import { trainerEnvironment } from '../native/paths.ts';
import { answerOf } from '../serving/answers.ts';
import { type Computed, computeTogether } from '../serving/compute.ts';
import { evidenceOf } from '../serving/evidence.ts';
import { type Knowing, openKnowing } from '../serving/open-knowing.ts';
import { startModelProcess } from '../serving/process/model-process.ts';
import { digestOf, openStore, type Store, writeArtifact } from '../store/index.ts';
import { buildIndex, type Hit, openIndex, shardFiles, type VectorIndex } from '../vectors/index.ts';
import { withFolder } from './folder.ts';
import { imageOf } from './image-of.ts';
import { trainEncoder } from './train-encoder.ts';

/**
 * Per cent of the photos, as predictions decide, and as they would by the nearest image of the index: unknown below the evaluation's threshold,
 * and where that image is of another class.
 */
export interface UnknownRow {
  readonly index: string;
  readonly knownRefusedByIndex: number;
  readonly knownRefused: number;
  readonly unknownPassedByIndex: number;
  readonly unknownPassed: number;
  /** Of the unknown photos, those of which the right class is named as `alike`. */
  readonly alike: number;
}

/** The class that the model does not know. */
const newClass = 'Bag';
const trainingImages = 10_000;
const askedKnown = 2000;
const cataloguedNew = 300;
/** As in pipelines/quickstart.yaml. */
const config = {
  encoder: { name: 'small-resnet', channels: 16, blocks: [1, 1, 1] },
  projection: { hidden: 128, output: 64 },
  loss: { supcon: { temperature: 0.1 } },
  augmentation: { flip: 0.5, rotation: 0.03, zoom: 0.1 },
  optimizer: { name: 'sgd', learningRate: 0.2, weightDecay: 0.0001 },
  schedule: { name: 'cosine', warmupEpochs: 0.5 },
  ...{ batch: 128, epochs: 10, seed: 0 },
} as const;

interface Photo extends Computed {
  readonly label: string;
}

interface Model {
  readonly store: Store;
  readonly dataset: ArtifactRef;
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
  readonly evaluation: ArtifactRef;
}

/**
 * How many photos of known classes are called unknown, and how many of an unknown one known, for indexes of several kinds: with a model
 * as the quickstart's, of nine of ten classes of Fashion-MNIST.
 *
 * @param only part of the names of indexes
 */
export async function benchUnknown(only: string): Promise<UnknownRow[]> {
  return withFolder(async (folder) => {
    const storeUrl = join(folder, 'store');
    const store = openStore(storeUrl);
    const { all, classes, dataset } = await prepare(store, storeUrl);
    const model = await train(store, dataset);
    const { encoder, classifier } = model;
    const process = await startModelProcess({
      ...{ storeUrl, encoder, classifier, environment: trainerEnvironment(), log: () => {} },
    });
    const knowing = await openKnowing(store, model.evaluation);
    try {
      const photos = async (split: LoadedSplit, names: readonly string[], rows: readonly number[]) => {
        const found: Photo[] = [];
        for (let start = 0; start < rows.length; start += 128) {
          const own = rows.slice(start, start + 128);
          const computed = await computeTogether(
            process,
            own.map((row) => imageOf(split, row).pixels),
          );
          for (const [at, each] of computed.entries())
            found.push({ ...each, label: names[split.labels[own[at] as number] as number] as string });
        }
        return found;
      };
      const shuffled = Array.from(permutation(all.count, 0, 'benchmark of unknown photos'));
      const isNew = (row: number) => classes[all.labels[row] as number] === newClass;
      const [known, news] = [shuffled.filter((row) => !isNew(row)), shuffled.filter(isNew)];
      const asked = {
        known: await photos(all, classes, known.slice(0, askedKnown)),
        unknown: await photos(all, classes, news.slice(cataloguedNew)),
      };
      const train = await loadSplit(store, dataset, 'train');
      const trained = process.about.classifier?.classes ?? [];
      const some = await photos(all, classes, known.slice(askedKnown, askedKnown + 500));
      const bags = await photos(all, classes, news.slice(0, cataloguedNew));
      const bare = (of: readonly Photo[]) => of.map(({ label: _, ...photo }) => photo);
      const catalogues: readonly (readonly [string, readonly (Computed & { readonly label?: string })[]])[] = [
        ['training images', await photos(train, trained, Array.from(train.labels.keys()))],
        ...[0, 1, 2].map((draw) => [`7 known, draw ${draw}`, some.slice(draw * 7, draw * 7 + 7)] as const),
        ['500 known', some],
        ['500 known, unlabelled', bare(some)],
        [`${cataloguedNew} new, unlabelled`, bare(bags)],
        [`500 known and ${cataloguedNew} new, unlabelled`, bare([...some, ...bags])],
        [`500 known and ${cataloguedNew} new`, [...some, ...bags]],
      ];
      const rows: UnknownRow[] = [];
      for (const [name, content] of catalogues.filter(([each]) => each.includes(only))) {
        const index = await indexOf(model, content);
        rows.push(await measure(name, index, knowing, trained, asked));
        await index.close();
      }
      return rows;
    } finally {
      await Promise.all([process.close(), knowing.close()]);
    }
  });
}

/** Fashion-MNIST without the new class, and all of its test images. */
async function prepare(store: Store, folder: string) {
  const wanted = prepareDataParameters.parse({ dataset: 'fashion-mnist', limit: { train: trainingImages } });
  const { ref } = await prepareDataset(store, wanted, { cacheFolder: openHome().cacheFolder });
  const { classes } = await describeDataset(store, ref);
  const writer = createDatasetWriter(folder, { classes: classes.filter((name) => name !== newClass), channels: 1 });
  for (const split of ['train', 'validation', 'test'] as const) {
    const of = await loadSplit(store, ref, split);
    for (const [row, label] of of.labels.entries()) {
      const name = classes[label] as string;
      if (name !== newClass) await writer.add({ ...imageOf(of, row), split, class: name });
    }
  }
  const dataset: ArtifactRef = { kind: 'dataset', digest: (await writer.finish()).digest };
  return { all: await loadSplit(store, ref, 'test'), classes, dataset };
}

async function train(store: Store, dataset: ArtifactRef): Promise<Model> {
  const key = { run: 'bench', step: 'pretrain' };
  const encoder = await trainEncoder(store, { key, dataset, config }, (epoch, { loss }) =>
    process.stderr.write(`unknown: epoch ${epoch} of ${config.epochs}: loss ${loss.toFixed(3)}\n`),
  );
  const context = { store, key, progress: () => {}, stopRequested: () => false };
  const parameters = linearProbeParameters.parse({});
  const { classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context);
  const measures = { ...key, classifier, encoder, dataset, parameters: evaluateParameters.parse({}) };
  const { evaluation } = await stepJobs.evaluate(trainerJobs.evaluate.input.parse(measures), context);
  return { store, dataset, encoder, classifier, evaluation };
}

async function indexOf(
  { store, encoder, dataset }: Model,
  content: readonly (Computed & { readonly label?: string })[],
): Promise<VectorIndex> {
  const dimension = content[0]?.embedding.length ?? 0;
  const embeddings = new Float32Array(content.length * dimension);
  const rows = content.map(({ embedding, label }, at) => {
    embeddings.set(embedding, at * dimension);
    const source = digestOf(new TextEncoder().encode(String(at))).sha256;
    return {
      ...{ name: `${at}.png`, source, brightness: 0, contrast: 0, saturation: 0 },
      ...(label === undefined ? {} : { label }),
    };
  });
  const { shard, files } = shardFiles(0, { embeddings, rows });
  const about = {
    ...{ encoder, dimension, count: rows.length, shards: [shard], rejected: { count: 0 } },
    of: { dataset, splits: ['test'] },
  };
  const vectors = await writeArtifact(store, { kind: 'vectors', about, files });
  return openIndex(store, (await buildIndex(store, vectors)).index);
}

async function measure(
  name: string,
  index: VectorIndex,
  knowing: Knowing,
  classes: readonly string[],
  asked: { readonly known: readonly Photo[]; readonly unknown: readonly Photo[] },
): Promise<UnknownRow> {
  const threshold = knowing.calibration?.unknown.similarity.threshold ?? 0;
  const isUnknownBy = async ({ row, score }: Hit) => {
    const { label } = await index.row(row);
    return score < threshold || (label !== undefined && !classes.includes(label));
  };
  const of = async (photos: readonly Photo[]) => {
    const found = await evidenceOf({ index, knowing, classes }, photos, 1);
    return Promise.all(
      found.map(async ({ evidence, hits: [nearest] }, at) => ({
        answer: answerOf(evidence, 0),
        byIndex: nearest === undefined || (await isUnknownBy(nearest)),
        label: photos[at]?.label,
      })),
    );
  };
  const [known, unknown] = [await of(asked.known), await of(asked.unknown)];
  const share = <T>(list: readonly T[], is: (each: T) => boolean) => (100 * list.filter(is).length) / list.length;
  return {
    index: name,
    knownRefusedByIndex: share(known, ({ byIndex }) => byIndex),
    knownRefused: share(known, ({ answer }) => answer?.unknown === true),
    unknownPassedByIndex: share(unknown, ({ byIndex }) => !byIndex),
    unknownPassed: share(unknown, ({ answer }) => answer?.unknown === false),
    alike: share(unknown, ({ answer, label }) => answer?.alike === label),
  };
}
