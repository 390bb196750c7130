import { stat } from 'node:fs/promises';
import type { ArtifactRef, SplitName } from '../contracts/artifacts.ts';
import type { ImageToEmbed } from '../contracts/embedding.ts';
import { ContrailError } from '../contracts/errors.ts';
import { explained } from '../contracts/system-errors.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import {
  formOfEncoder,
  inOrder,
  lookOf,
  type OpenSplit,
  openSplit,
  readPhotoFile,
  smallPicture,
} from '../datasets/index.ts';
import type { Store } from '../store/index.ts';
import { type FrozenEncoder, inferenceBatch, type JobContext, openEncoder, stopIfAsked } from '../training/index.ts';
import { readShardList, writePiece } from '../vectors/embedding/index.ts';
import { requireImageFormat } from './frozen-encoder.ts';

type Input = JobInput<'embed-shard'>;

/** An image as the encoder takes it, or why there is none. */
type Read = { readonly image: ImageToEmbed } & ({ readonly pixels: Uint8Array } | { readonly rejected: string });

/**
 * Embeds the images of a shard, and stores what it computed under its digest.
 *
 * Every forward pass has the same shape, so an embedding depends on the encoder and its image alone, not on the shard that it
 * is in, its place there, or what is beside it. The encoder stays loaded for the next shard.
 */
export function createEmbedShard(): (input: Input, context: JobContext) => Promise<JobResult<'embed-shard'>> {
  let loaded: { readonly digest: string; readonly encoder: FrozenEncoder } | undefined;
  const encoderOf = async (store: Store, ref: ArtifactRef) => {
    if (loaded?.digest === ref.digest) return loaded.encoder;
    loaded?.encoder.dispose();
    loaded = undefined;
    loaded = { digest: ref.digest, encoder: await openEncoder(store, ref) };
    return loaded.encoder;
  };
  return async (input, context) => {
    const images = await readShardList(context.store, input.list);
    return embedImages(await encoderOf(context.store, input.encoder), images, input, context);
  };
}

async function embedImages(
  encoder: FrozenEncoder,
  images: readonly ImageToEmbed[],
  { place, pictures: wantsPictures, ...input }: Input,
  context: JobContext,
): Promise<JobResult<'embed-shard'>> {
  const { height: side, width, channels } = encoder.about.image;
  const bytes = side * width * channels;
  const batch = new Uint8Array(inferenceBatch * bytes);
  const embeddings = new Float32Array(images.length * encoder.dimension);
  const sources: string[] = [];
  const looks: number[] = [];
  const pictures: Promise<Uint8Array>[] = [];
  const rejected: { source: string; reason: string }[] = [];
  const begun = performance.now();
  let waiting = 0;
  const embedBatch = async () => {
    if (waiting === 0) return;
    const features = await encoder.features(batch.subarray(0, waiting * bytes), waiting, inferenceBatch);
    embeddings.set(features, (sources.length - waiting) * encoder.dimension);
    waiting = 0;
  };
  let seen = 0;
  for await (const read of readAll(encoder, images, input, context)) {
    const { source } = read.image;
    if ('rejected' in read) rejected.push({ source, reason: read.rejected });
    else {
      batch.set(read.pixels, waiting++ * bytes);
      sources.push(source);
      const { brightness, contrast, saturation } = lookOf(read.pixels, channels);
      looks.push(brightness, contrast, saturation);
      if (wantsPictures) pictures.push(smallPicture({ pixels: read.pixels, side, channels }));
      if (waiting === inferenceBatch) await embedBatch();
    }
    seen++;
    context.progress({
      phase: 'embedding',
      done: seen,
      total: images.length,
      unit: 'images',
      imagesPerSecond: (1000 * seen) / Math.max(1, performance.now() - begun),
    });
    stopIfAsked(context);
  }
  await embedBatch();
  if (sources.length === 0) return { piece: null, images: 0, rejected };
  const piece = await writePiece(context.store, place, {
    sources,
    embeddings: embeddings.subarray(0, sources.length * encoder.dimension),
    looks: Float32Array.from(looks),
    pictures: wantsPictures ? await Promise.all(pictures) : null,
  });
  return { piece, images: sources.length, rejected };
}

async function* readAll(
  encoder: FrozenEncoder,
  images: readonly ImageToEmbed[],
  { root, dataset }: Pick<Input, 'root' | 'dataset'>,
  context: JobContext,
): AsyncGenerator<Read> {
  if (dataset) return yield* readRowsOf(encoder, images, dataset, context);
  await requireRoot(root ?? '');
  const form = formOfEncoder(encoder.about);
  const read = async (image: ImageToEmbed): Promise<Read> => {
    const { from, source } = image;
    if (!('file' in from)) throw new ContrailError('InvalidInput', `${image.name} is no file.`);
    if (from.fetched) await requireFetched(from.file, image.name);
    const photo = await readPhotoFile({ path: from.file, bytes: from.bytes, source }, form);
    return 'rejected' in photo ? { image, rejected: photo.rejected } : { image, pixels: photo.pixels };
  };
  yield* inOrder(images, read);
}

/** A folder that is on another machine must not look like one whose files have vanished. */
async function requireRoot(root: string): Promise<void> {
  const found = await stat(root).catch((error: unknown) => explained(error)?.message ?? String(error));
  if (typeof found === 'object' && found.isDirectory()) return;
  throw new ContrailError(
    'StoreUnreadable',
    `The folder ${root} cannot be read on this machine${typeof found === 'string' ? `: ${found}` : '.'} Every worker that embeds needs it at the same place: mount it there, or give the step a queue that only workers with the folder serve.`,
  );
}

async function requireFetched(file: string, name: string): Promise<void> {
  if (
    await stat(file).then(
      () => true,
      (error: unknown) => explained(error)?.code !== 'FileMissing',
    )
  )
    return;
  throw new ContrailError(
    'StoreUnreadable',
    `${name} was fetched, and is not in the cache of this machine. Give the step a queue that one machine serves, or workers that share a home; if the cache was emptied, \`contrail retry\` fetches again.`,
  );
}

/** Rows of splits that stand together are read together. */
async function* readRowsOf(
  { about: { image: format } }: FrozenEncoder,
  images: readonly ImageToEmbed[],
  dataset: ArtifactRef,
  context: JobContext,
): AsyncGenerator<Read> {
  const { store } = context;
  let open: { readonly name: SplitName; readonly split: OpenSplit } | undefined;
  const bytes = format.height * format.width * format.channels;
  try {
    for (let at = 0; at < images.length; ) {
      const together: { readonly image: ImageToEmbed; readonly row: number }[] = [];
      let name: SplitName | undefined;
      for (; at < images.length && together.length < inferenceBatch; at++) {
        const image = images[at] as ImageToEmbed;
        if (!('split' in image.from)) throw new ContrailError('InvalidInput', `${image.name} is in no split.`);
        name ??= image.from.split;
        if (name !== image.from.split) break;
        together.push({ image, row: image.from.row });
      }
      if (name === undefined) return;
      if (open?.name !== name) {
        await open?.split.close();
        open = { name, split: await openSplit(store, dataset, name, () => stopIfAsked(context)) };
        requireImageFormat('The encoder takes images of', format, open.split);
      }
      const pixels = new Uint8Array(together.length * bytes);
      await open.split.read(
        Int32Array.from(together, ({ row }) => row),
        pixels,
        new Int32Array(together.length),
      );
      for (const [place, { image }] of together.entries())
        yield { image, pixels: pixels.subarray(place * bytes, (place + 1) * bytes) };
    }
  } finally {
    await open?.split.close();
  }
}
