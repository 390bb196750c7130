import type { AdapterConfig, EncoderAbout } from '../../contracts/encoder.ts';
import { normalised } from '../losses/pairs.ts';
import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type Tensor2D, tf } from '../tensorflow.ts';
import { createEncoder } from './create-encoder.ts';
import type { EncoderModel } from './encoder.ts';
import { dense, denseParameters, type Pass } from './layers.ts';

/** A small layer on the embeddings of an encoder that stays as it is. */
export interface Adapter {
  readonly parameters: readonly ParameterSpec[];
  /** Length of an embedding afterwards. */
  readonly dimension: number;
  /** @param embeddings float32 [n, dimension of the encoder]; @returns float32 [n, dimension], not normalised */
  readonly adapt: (embeddings: Tensor2D, pass: Pass) => Tensor2D;
}

/**
 * Encoders differ in how long their embeddings are, and only directions are compared: the adapter sees each at the length of a
 * row of standard normal values, sqrt(dimension).
 *
 * @param dimension of the encoder's embeddings
 */
export function createAdapter(dimension: number, { hidden, output }: AdapterConfig): Adapter {
  const inputs = hidden ?? dimension;
  return {
    dimension: output,
    parameters: [
      ...(hidden === undefined ? [] : denseParameters('adapter_hidden', dimension, hidden)),
      ...denseParameters('adapter_output', inputs, output),
    ],
    adapt: (embeddings, pass) => {
      const rows = tf.mul(normalised(embeddings), Math.sqrt(dimension)) as Tensor2D;
      const last = hidden === undefined ? rows : relu(dense(rows, 'adapter_hidden', pass));
      return dense(last, 'adapter_output', pass);
    },
  };
}

/** The encoder of an artifact, with the adapter that it has. */
export function encoderOf({
  encoder,
  image,
  adapter,
}: Pick<EncoderAbout, 'encoder' | 'image' | 'adapter'>): EncoderModel {
  const model = createEncoder(encoder, image);
  if (!adapter) return model;
  const { parameters, dimension, adapt } = createAdapter(model.dimension, adapter);
  return {
    ...model,
    dimension,
    parameters: [...model.parameters, ...parameters],
    stages: [...model.stages, { name: 'adapter', parameters: parameters.map(({ name }) => name) }],
    embed: (images, pass) => adapt(model.embed(images, pass), pass),
  };
}
