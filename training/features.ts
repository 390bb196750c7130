import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { decodeSafetensors, readArtifact, readArtifactFile, type Store } from '../store/index.ts';
import { type CompiledStep, capture, type Execution, type Step } from './capture/index.ts';
import { prepareImages } from './model.ts';
import { createEncoder, type EncoderModel } from './models/encoder.ts';
import { floatOfBytes } from './ops.ts';
import { createVariables } from './parameters.ts';
import { readState, writeState } from './state.ts';
import { type Tensor, type Tensor4D, tf } from './tensorflow.ts';

/** Images in one forward pass of inference. */
const inferenceBatch = 256;

/** A trained encoder, frozen: it computes embeddings in inference mode and nothing changes it. */
export interface FrozenEncoder {
  readonly about: EncoderAbout;
  readonly dimension: number;
  /**
   * Embeddings of images.
   *
   * @param images bytes [count, height, width, channels] in the format of `about.image`
   * @returns float32 [count, dimension]
   */
  readonly features: (
    images: Uint8Array,
    count: number,
    onProgress?: (done: number, total: number) => void,
  ) => Promise<Float32Array>;
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
  const about = encoderAboutSchema.parse((await readArtifact(store, ref)).about);
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, encoderFiles.encoder));
  const model = createEncoder(about.encoder, about.image.channels);
  const execution = capture({ variables: createVariables(model.parameters, 0), resident: {} });
  writeState(model.parameters, execution, tensors);
  const embed = execution.compile(embeddingStep(model, about));
  return {
    about,
    dimension: about.dimension,
    features: (images, count, onProgress) => computeFeatures(embed, about, images, count, onProgress),
    digest: () => digestOf(model, execution),
    dispose: execution.dispose,
  };
}

/** Input: uint8 [batch, height, width, channels]. Output: the embeddings, float32 [batch, dimension]. */
export function embeddingStep(model: EncoderModel, { image }: Pick<EncoderAbout, 'image'>): Step {
  return ([bytes], { variables }) => {
    const pixels = tf.div(floatOfBytes(bytes as Tensor), 255) as Tensor4D;
    return [model.embed(prepareImages(pixels, image, model.channels), { variables })];
  };
}

async function computeFeatures(
  embed: CompiledStep,
  { image, dimension }: EncoderAbout,
  images: Uint8Array,
  count: number,
  onProgress?: (done: number, total: number) => void,
): Promise<Float32Array> {
  const features = new Float32Array(count * dimension);
  const size = image.height * image.width * image.channels;
  // One shape for every batch: the last one is filled up, and what the filling gives is left out.
  const batch = Math.min(inferenceBatch, count);
  const values = new Uint8Array(batch * size);
  const input = { dtype: 'uint8', shape: [batch, image.height, image.width, image.channels], values } as const;
  for (let start = 0; start < count; start += batch) {
    const end = Math.min(start + batch, count);
    values.set(images.subarray(start * size, end * size));
    const [embeddings] = embed(input) as [Float32Array];
    features.set(embeddings.subarray(0, (end - start) * dimension), start * dimension);
    onProgress?.(end, count);
    // Lets the process answer messages between batches.
    await new Promise(setImmediate);
  }
  return features;
}

function digestOf(model: EncoderModel, execution: Execution): string {
  const hash = createHash('sha256');
  for (const { name, data } of readState(model.parameters, execution)) hash.update(`${name}\n`).update(data);
  return hash.digest('hex');
}
