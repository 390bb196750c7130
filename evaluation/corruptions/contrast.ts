import { type Corruption, constantOf, toByte } from './image.ts';

/** What is left of the distance to the mean, as in CIFAR-10-C. */
const kept = [0.75, 0.5, 0.4, 0.3, 0.15] as const;

/** Draws each channel towards its mean over the image. */
export const contrast: Corruption = (severity) => {
  const share = constantOf(kept, severity);
  return (image, { channels }) => {
    const means = Array.from({ length: channels }, (_, channel) => {
      let sum = 0;
      for (let at = channel; at < image.length; at += channels) sum += image[at] as number;
      return (sum * channels) / image.length;
    });
    return image.map((value, at) => {
      const mean = means[at % channels] as number;
      return toByte(mean + share * (value - mean));
    });
  };
};
