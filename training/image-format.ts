import { ContrailError } from '../contracts/errors.ts';
import { type Normalisation, type Normalise, normalisationOf } from '../contracts/normalise.ts';

/** What images look like to the network. Those of a step may be larger: its views have this size. */
export interface ImageFormat extends Normalisation {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * The images of a data set as a training normalises them.
 *
 * @param about of the data set: its images, and mean and deviation of those of training, of pixels divided by 255
 */
export function imageFormatOf<Size extends Omit<ImageFormat, keyof Normalisation>>(
  { image, mean, deviation }: Normalisation & { readonly image: Size },
  normalise: Normalise | undefined,
): Size & { mean: number[]; deviation: number[] } {
  const found = normalisationOf(normalise, { mean, deviation });
  return { ...image, mean: [...found.mean], deviation: [...found.deviation] };
}

/**
 * Mean and deviation must be numbers of channels that the encoder gets.
 *
 * @param channels that the encoder takes
 * @throws ContrailError InvalidInput where there are three numbers, and images of one channel
 */
export function requireChannels({ mean }: Pick<ImageFormat, 'mean'>, channels: number): void {
  if (mean.length <= channels) return;
  throw new ContrailError(
    'InvalidInput',
    `normalise: there are ${mean.length} numbers for channels, and this encoder takes grey images as they are. Write normalise: half or one number, choose another encoder, or prepare the data with channels: 3.`,
  );
}
