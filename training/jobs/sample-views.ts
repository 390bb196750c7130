import type { SampleViewsInput, SampleViewsResult } from '../../contracts/trainer.ts';
import { describeDataset, readRows, spreadRows } from '../../datasets/index.ts';
import type { ImageSize } from '../augmentation/geometry.ts';
import { drawsOfGroup, type ViewGroup, viewGroups, viewsOf } from '../augmentation/view-groups.ts';
import { byteTensor, imagesOfBytes, resizedTo } from '../ops.ts';
import type { JobContext } from '../process/job.ts';
import { type Tensor4D, tf } from '../tensorflow.ts';

const shownImages = 8;

/** Draws views of some training images, for people to look at. It leaves the training of the process as it is. */
export async function sampleViews(
  { dataset, config }: SampleViewsInput,
  { store }: JobContext,
): Promise<SampleViewsResult> {
  const { splits, image } = await describeDataset(store, dataset);
  const rows = spreadRows(splits.train.count, shownImages);
  const { pixels, height, width, channels } = await readRows(store, dataset, 'train', rows, {
    as: 'stored',
  });
  // Two of full size also where a step sees one, so that their difference shows.
  const [ofFullSize, ...others] = viewGroups(config, image) as [ViewGroup, ...ViewGroup[]];
  const groups = [{ ...ofFullSize, views: 2 }, ...others];
  const shown = tf.tidy(() => {
    const images = imagesOfBytes(byteTensor(pixels, [rows.length, height, width, channels]));
    const drawing = { seed: config.seed, batch: rows.length, step: tf.scalar(0, 'int32') };
    const views = groups.map((group) => framed(viewsOf(images, group, drawsOfGroup(group, drawing)), image));
    const all = tf.concat([resizedTo(images, image), ...views]);
    return Uint8Array.from(tf.round(tf.mul(tf.clipByValue(all, 0, 1), 255)).dataSync());
  });
  return {
    images: rows.length,
    views: groups.reduce((sum, { views }) => sum + views, 0),
    height: image.height,
    width: image.width,
    channels,
    pixels: Buffer.from(shown).toString('base64'),
  };
}

/** Black around images, up to a size. */
function framed(images: Tensor4D, { height, width }: ImageSize): Tensor4D {
  const around = (space: number): [number, number] => [Math.floor(space / 2), Math.ceil(space / 2)];
  return tf.pad4d(images, [[0, 0], around(height - images.shape[1]), around(width - images.shape[2]), [0, 0]]);
}
