import { type ImageSize, problemWithSize } from '../../contracts/encoder-sizes.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { EncoderConfig } from '../../contracts/training.ts';
import { convnext, convnextShapes } from './convnext.ts';
import type { EncoderModel } from './encoder.ts';
import { mobilenetv3 } from './mobilenetv3.ts';
import { resnet50 } from './resnet50.ts';
import { resnet50v2 } from './resnet50v2.ts';
import { smallResnet } from './small-resnet.ts';
import { vit, vitSizes } from './vit.ts';

/**
 * The encoder that a config names.
 *
 * @param image what the data set has: its channels are 1 or 3
 * @throws ContrailError InvalidInput where the encoder takes no images of that size
 */
export function createEncoder(config: EncoderConfig, image: ImageSize & { readonly channels: number }): EncoderModel {
  requireImageSize(config, image);
  switch (config.name) {
    case 'resnet50':
      return resnet50();
    case 'resnet50v2':
      return resnet50v2(config.stem);
    case 'small-resnet':
      return smallResnet(config, image.channels);
    case 'convnext':
      return convnext(convnextShapes[config.size]);
    case 'mobilenetv3':
      return mobilenetv3(config.size);
    case 'vit': {
      const { size, patch, registers, layerScale = patch === 14, grid } = config;
      return vit({
        ...vitSizes[size],
        ...{ patch, registers, layerScale },
        grid: grid === undefined ? [image.height / patch, image.width / patch] : [grid, grid],
      });
    }
  }
}

/**
 * @param what the images are, for the message
 * @throws ContrailError InvalidInput where the encoder takes no images of that size
 */
export function requireImageSize(config: EncoderConfig, size: ImageSize, what = 'images'): void {
  const problem = problemWithSize(config, size, what);
  if (problem !== null) throw new ContrailError('InvalidInput', `encoder: ${problem}.`);
}
