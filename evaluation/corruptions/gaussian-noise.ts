import { type Corruption, constantOf, toByte } from './image.ts';

/** Standard deviation of the noise, of pixels from 0 to 1, as in CIFAR-10-C. */
const deviations = [0.04, 0.06, 0.08, 0.09, 0.1] as const;

/** Adds normal noise to each value: the sensor in bad light. */
export const gaussianNoise: Corruption = (severity) => {
  const deviation = 255 * constantOf(deviations, severity);
  return (image, _, draw) => {
    const result = new Uint8Array(image.length);
    for (let at = 0; at < image.length; at += 2) {
      // Box and Muller: two uniform numbers give two normal ones.
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - draw(at)));
      const angle = 2 * Math.PI * draw(at + 1);
      result[at] = toByte((image[at] as number) + radius * Math.cos(angle));
      if (at + 1 < image.length) result[at + 1] = toByte((image[at + 1] as number) + radius * Math.sin(angle));
    }
    return result;
  };
};
