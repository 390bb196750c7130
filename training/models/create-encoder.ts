import type { EncoderConfig } from '../../contracts/training.ts';
import type { EncoderModel } from './encoder.ts';
import { resnet50v2 } from './resnet50v2.ts';
import { smallResnet } from './small-resnet.ts';

/** The encoder that a config names. `imageChannels` is what the data set has: 1 or 3. */
export function createEncoder(config: EncoderConfig, imageChannels: number): EncoderModel {
  return config.name === 'resnet50v2' ? resnet50v2(config.stem) : smallResnet(config, imageChannels);
}
