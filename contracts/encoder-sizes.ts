import type { EncoderConfig } from './training.ts';

/** The size of images in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** The side that the last stage of a ConvNeXt needs. */
const convnextSmallestSide = 32;

/**
 * Why an encoder takes no images of a size, and what to do about it; null where it takes them.
 *
 * @param what the images are, for the sentence, which has no full stop
 */
export function problemWithSize(config: EncoderConfig, { height, width }: ImageSize, what = 'images'): string | null {
  const problem = (needs: string, remedy: string) => `${needs}; the ${what} are ${width} x ${height}. ${remedy}`;
  if (config.name === 'convnext' && Math.min(height, width) < convnextSmallestSide)
    return problem(
      `convnext needs sides of ${convnextSmallestSide} pixels and more`,
      'Make them larger, or choose small-resnet',
    );
  if (config.name !== 'vit' || (height % config.patch === 0 && width % config.patch === 0)) return null;
  const near = Math.max(1, Math.round(height / config.patch)) * config.patch;
  return problem(
    `vit needs sides that are multiples of its patch of ${config.patch} pixels`,
    `Make them ${near} x ${near}, or choose another patch`,
  );
}
