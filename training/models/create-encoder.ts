import { ContrailError } from '../../contracts/errors.ts';
import type { EncoderConfig } from '../../contracts/training.ts';
import { convnext, convnextShapes, convnextSmallestSide } from './convnext.ts';
import type { EncoderModel } from './encoder.ts';
import { mobilenetv3 } from './mobilenetv3.ts';
import { resnet50 } from './resnet50.ts';
import { resnet50v2 } from './resnet50v2.ts';
import { smallResnet } from './small-resnet.ts';
import { vit, vitSizes } from './vit.ts';

/** The size of images in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

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
export function requireImageSize(config: EncoderConfig, { height, width }: ImageSize, what = 'images'): void {
  const refuse = (needs: string, remedy: string) =>
    new ContrailError('InvalidInput', `encoder: ${needs}; the ${what} are ${width} x ${height}. ${remedy}`);
  if (config.name === 'convnext' && Math.min(height, width) < convnextSmallestSide)
    throw refuse(
      `convnext needs sides of ${convnextSmallestSide} pixels and more`,
      'Make them larger, or choose small-resnet.',
    );
  if (config.name !== 'vit' || (height % config.patch === 0 && width % config.patch === 0)) return;
  const near = Math.max(1, Math.round(height / config.patch)) * config.patch;
  throw refuse(
    `vit needs sides that are multiples of its patch of ${config.patch} pixels`,
    `Make them ${near} x ${near}, or choose another patch.`,
  );
}
