import { isContrastive, type TrainingConfig, viewCounts } from '../../contracts/training.ts';
import { seedPair } from '../../datasets/index.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../tensorflow.ts';
import { type ViewDraws, viewDraws } from './draws.ts';
import type { ImageSize } from './geometry.ts';
import { augment, type ViewConfig } from './views.ts';

/** Views of one size, which go through the network together. */
export interface ViewGroup {
  /** What their draws are for. */
  readonly purpose: string;
  /** Of each image. */
  readonly views: number;
  readonly size: ImageSize;
  readonly augmentation: ViewConfig;
}

/**
 * The views that each image of a batch gets: those of full size, then with `multiCrop` the small ones (SwAV, arXiv:2006.09882,
 * section 3.3), which differ in their crop alone.
 *
 * @param size of the images as the encoder takes them
 */
export function viewGroups(config: TrainingConfig, size: ImageSize): readonly ViewGroup[] {
  const { augmentation } = config;
  const { full, small } = viewCounts(config);
  const ofFullSize = { purpose: 'views', views: full, size, augmentation };
  const multiCrop = isContrastive(config) ? config.multiCrop : undefined;
  if (!multiCrop) return [ofFullSize];
  const [minimumArea, maximumArea] = multiCrop.area;
  const ofSmallSize = {
    purpose: 'small views',
    views: small,
    size: { height: multiCrop.size, width: multiCrop.size },
    augmentation: { ...augmentation, crop: { minimumArea, maximumArea, probability: 1 } },
  };
  return [ofFullSize, ofSmallSize];
}

/**
 * The draws of the views of a batch, view-major.
 *
 * @param step int32 scalar: the steps of the whole training before this one
 */
export const drawsOfGroup = (
  { purpose, views, augmentation }: ViewGroup,
  { seed, batch, step }: { readonly seed: number; readonly batch: number; readonly step: Tensor },
): ViewDraws =>
  viewDraws(views * batch, augmentation, (what) => {
    const [first] = seedPair(seed, what === 'always' ? purpose : `${purpose}: ${what}`);
    return tf.stack([tf.scalar(first, 'int32'), step]) as Tensor1D;
  });

/**
 * @param images float32 [n, height, width, channels], 0 to 1
 * @returns float32 [views * n, size.height, size.width, channels], view-major
 */
export const viewsOf = (images: Tensor4D, { views, augmentation, size }: ViewGroup, draws: ViewDraws): Tensor4D =>
  augment(repeatViews(images, views), draws, augmentation, size);

/** Rows once for each view, view-major: [n, ...] to [views * n, ...]. */
export const repeatViews = <T extends Tensor>(rows: T, views: number): T =>
  views === 1 ? rows : (tf.concat(Array<T>(views).fill(rows)) as T);
