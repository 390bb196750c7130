import type { SampleViewsInput, SampleViewsResult } from '../../contracts/trainer.ts';
import { describeDataset, readRows, spreadRows } from '../../datasets/index.ts';
import { viewDraws } from '../augmentation/draws.ts';
import { augment } from '../augmentation/views.ts';
import { byteTensor, imagesOfBytes } from '../ops.ts';
import type { JobContext } from '../process/job.ts';
import { repeatViews, viewSeed } from '../step.ts';
import { tf } from '../tensorflow.ts';

const shownImages = 8;

/** Draws two views of some training images, for people to look at. It leaves the training of the process as it is. */
export async function sampleViews(
  { dataset, config }: SampleViewsInput,
  { store }: JobContext,
): Promise<SampleViewsResult> {
  const { splits } = await describeDataset(store, dataset);
  const rows = spreadRows(splits.train.count, shownImages);
  const { pixels, ...size } = await readRows(store, dataset, 'train', rows);
  const shape = [rows.length, size.height, size.width, size.channels];
  const views = tf.tidy(() => {
    const images = imagesOfBytes(byteTensor(pixels, shape));
    const draws = viewDraws(2 * rows.length, viewSeed(config, tf.scalar(0, 'int32')));
    const drawn = augment(repeatViews(images, 2), draws, config.augmentation);
    return Uint8Array.from(tf.round(tf.mul(tf.clipByValue(drawn, 0, 1), 255)).dataSync());
  });
  return { images: rows.length, ...size, pixels: Buffer.concat([pixels, views]).toString('base64') };
}
