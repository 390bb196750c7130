import type { PreparedImage } from './prepared-image.ts';

/** Mean and standard deviation per channel of pixels divided by 255. */
export interface PixelStatistics {
  readonly add: (image: Pick<PreparedImage, 'pixels' | 'channels'>) => void;
  /** A grey image counts as one of three equal channels where there are three. A channel without any variation gets deviation 1. */
  readonly result: (channels: 1 | 3) => { readonly mean: number[]; readonly deviation: number[] };
}

/** Counts the values that pixels have, so that the sums are exact and the order of the images makes no difference. */
export function createPixelStatistics(): PixelStatistics {
  const counts = () => new Float64Array(256);
  const grey = counts();
  const colour = [counts(), counts(), counts()] as const;
  return {
    add: ({ pixels, channels }) => {
      for (let at = 0; at < pixels.length; at++) {
        const channel = channels === 1 ? grey : (colour[at % 3] as Float64Array);
        const value = pixels[at] as number;
        channel[value] = (channel[value] as number) + 1;
      }
    },
    result: (channels) => {
      const all = colour.slice(0, channels).map((own) => own.map((count, value) => count + (grey[value] ?? 0)));
      const sum = (values: Float64Array, power: number) =>
        values.reduce((total, count, value) => total + count * value ** power, 0);
      const mean = all.map((values) => sum(values, 1) / sum(values, 0) / 255);
      const deviation = all.map((values, channel) => {
        const square = sum(values, 2) / sum(values, 0) / 255 ** 2;
        return Math.sqrt(Math.max(0, square - (mean[channel] ?? 0) ** 2)) || 1;
      });
      return { mean, deviation };
    },
  };
}
