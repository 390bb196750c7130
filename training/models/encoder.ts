import type { ParameterSpec } from '../parameters.ts';
import type { Tensor2D, Tensor4D } from '../tensorflow.ts';
import type { Pass } from './layers.ts';

/** A group of an encoder's parameters, as freezing and layer-wise learning rates see them. */
export interface EncoderStage {
  /** As `freeze` names it. */
  readonly name: string;
  /** Their names. */
  readonly parameters: readonly string[];
}

/** A network from images to embeddings. */
export interface EncoderModel {
  readonly parameters: readonly ParameterSpec[];
  /** The names of the parameters in groups from input to output, each in exactly one. */
  readonly stages: readonly EncoderStage[];
  /** Channels that it wants; grey images are repeated to fill them. */
  readonly channels: number;
  /** Length of an embedding. */
  readonly dimension: number;
  /** @param images float32 [n, height, width, channels], normalised; @returns float32 [n, dimension] */
  readonly embed: (images: Tensor4D, pass: Pass) => Tensor2D;
}
