import { type Corruption, constantOf, toByte } from './image.ts';

/** Standard deviation in pixels, as in CIFAR-10-C. */
const deviations = [0.4, 0.6, 0.7, 0.8, 1] as const;

/** Blurs by a Gaussian that is cut off at four deviations; beyond the border its pixels are repeated. */
export const gaussianBlur: Corruption = (severity) => {
  const weights = kernel(constantOf(deviations, severity));
  return (image, { height, width, channels }) => {
    const across = convolved(image, weights, { lines: height, length: width, step: channels, channels });
    const along = convolved(across, weights, { lines: width, length: height, step: width * channels, channels });
    return Uint8Array.from(along, toByte);
  };
};

/** Weights from the middle outwards; with their mirror image they add up to 1. */
function kernel(deviation: number): number[] {
  const radius = Math.floor(4 * deviation + 0.5);
  const raw = Array.from({ length: radius + 1 }, (_, at) => Math.exp(-(at ** 2) / (2 * deviation ** 2)));
  const sum = raw.reduce((total, weight, at) => total + (at === 0 ? weight : 2 * weight), 0);
  return raw.map((weight) => weight / sum);
}

/** @param step from a pixel to the next of its line; the lines are the rows where that is `channels`, else the columns */
function convolved(
  values: ArrayLike<number>,
  weights: readonly number[],
  {
    lines,
    length,
    step,
    channels,
  }: { readonly lines: number; readonly length: number; readonly step: number; readonly channels: number },
): Float64Array {
  const result = new Float64Array(values.length);
  const nextLine = step === channels ? length * channels : channels;
  for (let line = 0; line < lines; line++)
    for (let at = 0; at < length; at++)
      for (let channel = 0; channel < channels; channel++) {
        const start = line * nextLine + channel;
        let sum = (weights[0] as number) * (values[start + at * step] as number);
        for (let away = 1; away < weights.length; away++) {
          const before = values[start + Math.max(0, at - away) * step] as number;
          const after = values[start + Math.min(length - 1, at + away) * step] as number;
          sum += (weights[away] as number) * (before + after);
        }
        result[start + at * step] = sum;
      }
  return result;
}
