import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { OpenSplit } from '../datasets/index.ts';
import { decodeSafetensors, readAbout, readArtifactFile, type Store, type StoredTensor } from '../store/index.ts';
import { type CompiledStep, capture, type Execution, type Step, type TensorValue } from './capture/index.ts';
import { prepareImages } from './model.ts';
import { encoderOf } from './models/adapter.ts';
import type { EncoderModel } from './models/encoder.ts';
import { imagesOfBytes } from './ops.ts';
import { createVariables } from './parameters.ts';
import { readState, writeState } from './state.ts';
import { streamedBatches } from './streamed-batches.ts';
import type { Tensor } from './tensorflow.ts';

/** Images in one forward pass of inference. */
export const inferenceBatch = 256;
/** Batches of inference that are read in advance. */
const inferenceReadAhead = 2;

/** A trained encoder, frozen: it computes embeddings in inference mode and nothing changes it. */
export interface FrozenEncoder {
  readonly about: EncoderAbout;
  readonly dimension: number;
  /**
   * Embeddings of images.
   *
   * @param images bytes [count, height, width, channels] in the format of `about.image`
   * @param size images in one forward pass, the last of which is filled up; @default 256, or `count` where that is less
   * @returns float32 [count, dimension]
   */
  readonly features: (images: Uint8Array, count: number, size?: number) => Promise<Float32Array>;
  /**
   * Embeddings of all images of a split, which are read while the batches before are computed.
   *
   * @param split in the format of `about.image`
   * @param onProgress may throw to stop
   * @returns float32 [count, dimension], and int32 [count], the classes
   */
  readonly featuresOf: (
    split: Omit<OpenSplit, 'close'>,
    onProgress: (done: number, total: number) => void,
  ) => Promise<{ readonly features: Float32Array; readonly labels: Int32Array }>;
  /** SHA-256 over its weights and batch-norm statistics as they are now. */
  readonly digest: () => string;
  readonly dispose: () => void;
}

/**
 * Loads an encoder artifact.
 *
 * @throws ContrailError CorruptArtifact when a file is damaged or does not fit the model
 */
export async function openEncoder(store: Store, ref: ArtifactRef): Promise<FrozenEncoder> {
  const about = await readAbout(store, ref, encoderAboutSchema);
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, encoderFiles.encoder));
  const { load, ...embedder } = createEmbedder(about);
  load(tensors);
  return { about, ...embedder };
}

/** An encoder whose weights may be replaced between two uses. */
export interface Embedder extends Omit<FrozenEncoder, 'about'> {
  /** @throws ContrailError CorruptArtifact when a tensor is missing or has another shape */
  readonly load: (tensors: ReadonlyMap<string, StoredTensor>) => void;
}

/** Makes an encoder, with random weights as yet, that embeds images in inference mode. */
export function createEmbedder(about: Pick<EncoderAbout, 'encoder' | 'image' | 'adapter'>): Embedder {
  const model = encoderOf(about);
  const execution = capture({ variables: createVariables(model.parameters, 0), resident: {} });
  const { dimension } = model;
  const embed = execution.compile(embeddingStep(model, about));
  return {
    dimension,
    load: (tensors) => writeState(model.parameters, execution, tensors),
    features: async (images, count, size) =>
      (await computeFeatures(embed, dimension, imagesInMemory(images, count, about), () => {}, size)).features,
    featuresOf: (split, onProgress) => computeFeatures(embed, dimension, split, onProgress),
    digest: () => digestOf(model, execution),
    dispose: execution.dispose,
  };
}

/** Input: uint8 [batch, height, width, channels]. Output: the embeddings, float32 [batch, dimension]. */
export function embeddingStep(model: EncoderModel, { image }: Pick<EncoderAbout, 'image'>): Step {
  return ([bytes], { variables }) => {
    const pixels = imagesOfBytes(bytes as Tensor);
    return [model.embed(prepareImages(pixels, image, model.channels), { variables })];
  };
}

async function computeFeatures(
  embed: CompiledStep,
  dimension: number,
  split: Omit<OpenSplit, 'close' | 'labels'>,
  onProgress?: (done: number, total: number) => void,
  given?: number,
): Promise<{ features: Float32Array; labels: Int32Array }> {
  const { count } = split;
  const features = new Float32Array(count * dimension);
  const labels = new Int32Array(count);
  // One shape for every batch: the last one is filled up, and what the filling gives is left out.
  const size = given ?? Math.min(inferenceBatch, count);
  const batches = streamedBatches(
    split,
    {
      size,
      from: 0,
      to: count === 0 ? 0 : Math.ceil(count / size),
      rows: (batch) => Int32Array.from({ length: size }, (_, row) => Math.min(batch * size + row, count - 1)),
    },
    inferenceReadAhead,
  );
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(start + size, count);
      const [images, classes] = (await batches.next()) as [TensorValue, TensorValue];
      const [embeddings] = embed(images) as [Float32Array];
      const own = embeddings.subarray(0, (end - start) * dimension);
      requireFinite(own, dimension, 'embedding', start);
      features.set(own, start * dimension);
      labels.set(classes.values.subarray(0, end - start), start);
      onProgress?.(end, count);
      // Lets the process answer messages between batches.
      await new Promise(setImmediate);
    }
  } finally {
    await batches.close();
  }
  return { features, labels };
}

/**
 * Nothing is nearer than what is no number: a search among such embeddings finds everything.
 *
 * @param values float32 [rows, dimension], of which `firstRow` is the first
 * @throws ContrailError InvalidInput that names the first row with a value that is infinite or no number
 */
export function requireFinite(
  values: Float32Array,
  dimension: number,
  what: 'embedding' | 'projection',
  firstRow = 0,
): void {
  const strange = values.findIndex((value) => !Number.isFinite(value));
  if (strange < 0) return;
  const row = firstRow + Math.floor(strange / dimension);
  throw new ContrailError(
    'InvalidInput',
    `The ${what} of row ${row} is infinite or no number. The weights of the encoder are damaged, or its training diverged; take another encoder.`,
  );
}

/** Images without classes, to be read like a split. */
function imagesInMemory(
  images: Uint8Array,
  count: number,
  { image }: Pick<EncoderAbout, 'image'>,
): Omit<OpenSplit, 'close' | 'labels'> {
  const { height, width, channels } = image;
  const size = height * width * channels;
  const read = async (rows: Int32Array, target: Uint8Array) => {
    rows.forEach((row, at) => {
      target.set(images.subarray(row * size, (row + 1) * size), at * size);
    });
  };
  return { count, height, width, channels, read };
}

function digestOf(model: EncoderModel, execution: Execution): string {
  const hash = createHash('sha256');
  for (const { name, data } of readState(model.parameters, execution)) hash.update(`${name}\n`).update(data);
  return hash.digest('hex');
}
