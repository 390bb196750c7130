import { type ArtifactRef, artifactRefSchema, splitOf } from '../contracts/artifacts.ts';
import { encoderAboutSchema, trainedOn } from '../contracts/encoder.ts';
import { ContrailError } from '../contracts/errors.ts';
import { classifierAboutSchema } from '../contracts/evaluation.ts';
import { canonicalJson } from '../contracts/json.ts';
import { indexAboutSchema, type Unusable } from '../contracts/vector-index.ts';
import type { VectorsAbout } from '../contracts/vectors.ts';
import { describeDataset, lookOf, openSplit, smallPicture } from '../datasets/index.ts';
import {
  createArtifactWriter,
  digestOf,
  loadCacheEntry,
  readAbout,
  type Store,
  saveCacheEntry,
  unlessDamaged,
  whileHeld,
} from '../store/index.ts';
import { openSplitRows, vectorRow } from '../vectors/embedding/index.ts';
import { type BuildProgress, runIndexJob, vectorShardWriter } from '../vectors/index.ts';
import type { UsedModel } from './find-model.ts';
import type { ModelProcess } from './process/model-process.ts';

/** Images embedded at a time. */
const batchSize = 128;

/** Tells of the images that have been embedded, of all. */
type OnProgress = (done: number, total: number) => void;

/** The data set whose training images a model knows: that of the classifier, else that of the encoder's last training. */
export async function knownDataset(
  store: Store,
  { name, encoder, classifier }: Pick<UsedModel, 'name' | 'encoder' | 'classifier'>,
): Promise<ArtifactRef> {
  if (classifier) return (await readAbout(store, classifier, classifierAboutSchema)).dataset;
  const known = trainedOn(await readAbout(store, encoder, encoderAboutSchema)).at(-1);
  if (known) return known;
  throw new ContrailError(
    'Usage',
    `${name} has no index, and was trained on no data set of this store that one could be made of. Embed the images to search among with a step embed-images, and make an index of them with build-index.`,
  );
}

/** What an index of training images follows from, under which it is found again. */
const fingerprintOf = (encoder: ArtifactRef, dataset: ArtifactRef) =>
  canonicalJson({ kind: 'index-of-training-images', version: 2, encoder, dataset });

/** The index of a model's training images, where one was made before and is there. */
export async function madeBefore(
  store: Store,
  encoder: ArtifactRef,
  dataset: ArtifactRef,
): Promise<ArtifactRef | null> {
  const entry = await loadCacheEntry(store, fingerprintOf(encoder, dataset));
  const found = artifactRefSchema.safeParse(entry?.result.index);
  if (!found.success) return null;
  const about = await unlessDamaged(readAbout(store, found.data, indexAboutSchema), () => {});
  return about ? found.data : null;
}

/**
 * Embeds the training images of a data set, and makes an index of them, which is kept and found again.
 *
 * @param process of the encoder
 * @throws ContrailError InvalidInput where the images are not of the format that the encoder takes, or there are none
 */
export async function makeTrainingIndex(
  store: Store,
  { run, encoder }: Pick<UsedModel, 'run' | 'encoder'>,
  dataset: ArtifactRef,
  process: Pick<ModelProcess, 'about' | 'infer'>,
  {
    onProgress,
    onBuild,
    onUnusable,
    signal,
  }: {
    readonly onProgress: OnProgress;
    readonly onBuild: (progress: BuildProgress) => void;
    /** Is told of images that are left out, where there are any. */
    readonly onUnusable: (unusable: Unusable) => void;
    readonly signal: AbortSignal;
  },
): Promise<ArtifactRef> {
  const vectors = await embedTraining(store, encoder, dataset, process, { onProgress, signal });
  const job = { do: 'build', vectors, settings: {} } as const;
  // Nothing names them before the index does, which may take hours.
  const build = () => runIndexJob(store, job, { onProgress: onBuild, signal });
  const { index, unusable } = await whileHeld(store, [vectors], build);
  if (unusable.count > 0) onUnusable(unusable);
  await saveCacheEntry(store, {
    fingerprint: fingerprintOf(encoder, dataset),
    result: { index: { ...index } },
    run,
    step: 'index',
    createdAt: new Date().toISOString(),
  });
  return index;
}

async function embedTraining(
  store: Store,
  encoder: ArtifactRef,
  dataset: ArtifactRef,
  { about, infer }: Pick<ModelProcess, 'about' | 'infer'>,
  { onProgress, signal }: { readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<ArtifactRef> {
  const { count } = splitOf(await describeDataset(store, dataset), 'train');
  const rowOf = await openSplitRows(store, dataset, 'train');
  const split = await openSplit(store, dataset, 'train');
  const writer = createArtifactWriter(store, 'vectors');
  try {
    const { height: side, channels } = requireFormat(split, about.encoder.image);
    const bytes = side * side * channels;
    const writing = vectorShardWriter(writer);
    for (let start = 0; start < count; start += batchSize) {
      signal.throwIfAborted();
      const own = Int32Array.from({ length: Math.min(batchSize, count - start) }, (_, at) => start + at);
      const [images, labels] = [new Uint8Array(own.length * bytes), new Int32Array(own.length)];
      await split.read(own, images, labels);
      const computed = infer(images, own.length);
      const pixels = Array.from(own, (_, at) => images.subarray(at * bytes, (at + 1) * bytes));
      const [{ embeddings }, pictures] = await Promise.all([
        computed,
        Promise.all(pixels.map((each) => smallPicture({ pixels: each, side, channels }))),
      ]);
      const rows = pixels.map((each, at) => {
        const { source, ...known } = rowOf(start + at, labels[at]);
        return vectorRow({ ...known, source: source ?? digestOf(each).sha256 }, lookOf(each, channels));
      });
      await writing.add({ embeddings, rows, pictures });
      onProgress(start + own.length, count);
    }
    const shards = [...(await writing.finish())];
    const { dimension } = about.encoder;
    const made: VectorsAbout = {
      ...{ encoder, dimension, count, shards },
      of: { dataset, splits: ['train'] },
      rejected: { count: 0 },
    };
    return await writer.finish(made);
  } finally {
    await split.close();
    await writer.discard();
  }
}

type Format = Readonly<Record<'height' | 'width', number>> & { readonly channels: 1 | 3 };

function requireFormat(found: Format, wanted: Format): Format {
  const [images, taken] = [found, wanted].map(({ height, width, channels }) => `${height}x${width}x${channels}`);
  if (images !== taken)
    throw new ContrailError(
      'InvalidInput',
      `The encoder takes images of ${taken}, and those that the classifier was trained on are ${images}.`,
    );
  return found;
}
