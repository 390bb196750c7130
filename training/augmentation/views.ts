import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { projectiveTransform } from '../ops.ts';
import { type Tensor4D, tf } from '../tensorflow.ts';
import { blurImages } from './blur.ts';
import { adjustColour, changesColour } from './colour.ts';
import { drawsOf, type ViewDraws } from './draws.ts';
import { eraseRectangles } from './erasing.ts';
import { type CropConfig, changesGeometry, composed, drawnMap, type ImageSize, transformsOf } from './geometry.ts';
import { movedBy, policyRounds, recolouredBy } from './policies.ts';
import { changesTones, changeTones } from './tones.ts';

/** What happens to a view. The crop may have a largest area besides. */
export type ViewConfig = Omit<AugmentationConfig, 'crop'> & { readonly crop?: CropConfig | undefined };

/**
 * One augmented version of each image. First all that moves pixels, resampled once, bilinearly, with reflection beyond the edges and
 * without a filter against aliasing, so images should be less than twice as large as what a view shows of them; then the colours of
 * RandAugment and TrivialAugment, jitter and grey, blur, tones, and erasing.
 *
 * @param images float32 [n, height, width, channels], 0 to 1
 * @param draws a row for each image
 * @param size of a view
 * @returns float32 [n, size.height, size.width, channels]; the images themselves where nothing is switched on and the size is theirs
 */
export function augment(images: Tensor4D, draws: ViewDraws, config: ViewConfig, size: ImageSize): Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = images.shape;
    const source = { height, width };
    const draw = drawsOf(draws);
    const rounds = policyRounds(draws, config);
    const resized = height !== size.height || width !== size.width;
    let views = images;
    if (resized || rounds.length > 0 || changesGeometry(config)) {
      const map = rounds.reduce(
        (moved, round) => composed(moved, movedBy(round, size)),
        drawnMap(draw, source, size, config),
      );
      views = projectiveTransform(images, transformsOf(map, source, size), size);
    }
    for (const round of rounds) views = recolouredBy(round, views);
    if (changesColour(config)) views = adjustColour(views, draw, config);
    if (config.blur) views = blurImages(views, draw, config.blur);
    if (changesTones(config)) views = changeTones(views, draw, config);
    if (config.erase) views = eraseRectangles(views, draw, config.erase);
    return views === images ? tf.clone(views) : views;
  });
}
