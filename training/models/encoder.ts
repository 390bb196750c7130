import type { EncoderConfig } from '../../contracts/training.ts';
import type { ParameterSpec } from '../parameters.ts';
import type { Tensor2D, Tensor4D } from '../tensorflow.ts';
import type { Pass } from './layers.ts';
import { resnet50v2 } from './resnet50v2.ts';
import { smallResnet } from './small-resnet.ts';

/** A network from images to embeddings. */
export interface EncoderModel {
  readonly parameters: readonly ParameterSpec[];
  /** Channels that it wants; grey images are repeated to fill them. */
  readonly channels: number;
  /** Length of an embedding. */
  readonly dimension: number;
  /** @param images float32 [n, height, width, channels], normalised; @returns float32 [n, dimension] */
  readonly embed: (images: Tensor4D, pass: Pass) => Tensor2D;
}

/** The encoder that a config names. `imageChannels` is what the data set has: 1 or 3. */
export function createEncoder(config: EncoderConfig, imageChannels: number): EncoderModel {
  return config.name === 'resnet50v2' ? resnet50v2(config.stem) : smallResnet(config, imageChannels);
}
