import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { decodeSafetensors, readArtifact, readArtifactFile, type Store } from '../store/index.ts';
import { prepareImages } from './model.ts';
import { createEncoder, type EncoderModel } from './models/encoder.ts';
import { byteTensor, gatherBytes } from './ops.ts';
import { createVariables, disposeVariables, type Variables } from './parameters.ts';
import { readState, writeState } from './state.ts';
import { type Tensor4D, tf } from './tensorflow.ts';

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
  const variables = createVariables(model.parameters, 0);
  writeState(model.parameters, variables, tensors);
  return {
    about,
    dimension: about.dimension,
    features: (images, count, onProgress) => computeFeatures(model, variables, about, images, count, onProgress),
    digest: () => digestOf(model, variables),
    dispose: () => disposeVariables(variables),
  };
}

async function computeFeatures(
  model: EncoderModel,
  variables: Variables,
  { image, dimension }: EncoderAbout,
  images: Uint8Array,
  count: number,
  onProgress?: (done: number, total: number) => void,
): Promise<Float32Array> {
  const features = new Float32Array(count * dimension);
  const size = image.height * image.width * image.channels;
  for (let start = 0; start < count; start += inferenceBatch) {
    const n = Math.min(inferenceBatch, count - start);
    const bytes = images.subarray(start * size, (start + n) * size);
    const batch = tf.tidy(() => {
      const resident = byteTensor(bytes, [n, image.height, image.width, image.channels]);
      const pixels = tf.div(gatherBytes(resident, tf.range(0, n, 1, 'int32')), 255) as Tensor4D;
      return model.embed(prepareImages(pixels, image, model.channels), { variables }).dataSync<'float32'>();
    });
    features.set(batch, start * dimension);
    onProgress?.(start + n, count);
    // Lets the process answer messages between batches.
    await new Promise(setImmediate);
  }
  return features;
}

function digestOf(model: EncoderModel, variables: Variables): string {
  const hash = createHash('sha256');
  for (const { name, data } of readState(model.parameters, variables)) hash.update(`${name}\n`).update(data);
  return hash.digest('hex');
}
