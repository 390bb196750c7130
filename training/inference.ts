import type { ArtifactRef } from '../contracts/artifacts.ts';
import { type EncoderAbout, encoderAboutSchema, encoderFiles } from '../contracts/encoder.ts';
import { decodeSafetensors, readAbout, readArtifactFile, type Store } from '../store/index.ts';
import { capture } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';
import { embeddingStep, requireFinite } from './features.ts';
import { inferenceSizes } from './inference-sizes.ts';
import { encoderOf } from './models/adapter.ts';
import { createVariables, variable } from './parameters.ts';
import { writeState } from './state.ts';
import { type Tensor, type Tensor2D, tf } from './tensorflow.ts';

const largest = inferenceSizes[inferenceSizes.length - 1] as number;

/** The variables of the classifier beside those of the encoder. */
const headNames = { kernel: 'classifier/kernel', bias: 'classifier/bias' } as const;

/** An encoder, with a linear classifier where there is one, that answers for a few images at a time. */
export interface Inference {
  readonly about: EncoderAbout;
  /**
   * Embeds and classifies images.
   *
   * @param images bytes [count, height, width, channels] in the format of `about.image`
   * @returns `embeddings` float32 [count, dimension]; `logits` float32 [count, classes], null without a classifier
   * @throws ContrailError InvalidInput where the encoder gives what is no number
   */
  readonly infer: (
    images: Uint8Array,
    count: number,
  ) => { readonly embeddings: Float32Array; readonly logits: Float32Array | null };
  readonly dispose: () => void;
}

/**
 * Loads an encoder artifact for inference.
 *
 * @param classifier `kernel` float32 [dimension, classes] and `bias` float32 [classes], trained on this encoder
 * @throws ContrailError CorruptArtifact when a file is damaged or does not fit the model
 */
export async function openInference(
  store: Store,
  encoder: ArtifactRef,
  classifier: { readonly kernel: Float32Array; readonly bias: Float32Array } | null,
): Promise<Inference> {
  const about = await readAbout(store, encoder, encoderAboutSchema);
  const { tensors } = decodeSafetensors(await readArtifactFile(store, encoder, encoderFiles.encoder));
  const model = encoderOf(about);
  const { dimension } = model;
  const classes = classifier?.bias.length ?? 0;
  const variables = new Map(createVariables(model.parameters, 0));
  if (classifier) {
    variables.set(headNames.kernel, tf.variable(tf.zeros([dimension, classes])));
    variables.set(headNames.bias, tf.variable(tf.zeros([classes])));
  }
  const execution = capture({ variables, resident: {} });
  writeState(model.parameters, execution, tensors);
  if (classifier)
    execution.write(
      new Map([
        [headNames.kernel, classifier.kernel],
        [headNames.bias, classifier.bias],
      ]),
    );
  const embed = embeddingStep(model, about);
  const answer = execution.compile((inputs, state) => {
    const [embedding] = embed(inputs, state) as [Tensor2D];
    if (!classifier) return [embedding];
    const [kernel, bias] = [headNames.kernel, headNames.bias].map((name) => variable(state.variables, name));
    return [embedding, tf.add(tf.matMul(embedding, kernel as unknown as Tensor2D), bias as Tensor)];
  });
  const { height, width, channels } = about.image;
  const bytes = height * width * channels;
  const inputs = new Map<number, Uint8Array>();
  const inputOf = (size: number) => {
    const known = inputs.get(size) ?? copiedValues('uint8', size * bytes);
    inputs.set(size, known);
    return known;
  };

  return {
    about,
    infer: (images, count) => {
      const embeddings = new Float32Array(count * dimension);
      const logits = classifier ? new Float32Array(count * classes) : null;
      for (let start = 0; start < count; start += largest) {
        const rows = Math.min(largest, count - start);
        const size = inferenceSizes.find((each) => each >= rows) ?? largest;
        const values = inputOf(size);
        values.set(images.subarray(start * bytes, (start + rows) * bytes));
        values.fill(0, rows * bytes);
        const [embedding, scores] = answer({ dtype: 'uint8', shape: [size, height, width, channels], values });
        const own = (embedding as Float32Array).subarray(0, rows * dimension);
        requireFinite(own, dimension, 'embedding', start);
        embeddings.set(own, start * dimension);
        logits?.set((scores as Float32Array).subarray(0, rows * classes), start * classes);
      }
      return { embeddings, logits };
    },
    dispose: execution.dispose,
  };
}
