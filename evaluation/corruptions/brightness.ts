import { type Corruption, constantOf, toByte } from './image.ts';

/** Added to the value, from 0 to 1, as in CIFAR-10-C. */
const added = [0.05, 0.1, 0.15, 0.2, 0.3] as const;

/** Makes an image lighter: the value of a grey pixel; of a colour, V of HSV, with hue and saturation as they were. */
export const brightness: Corruption = (severity) => {
  const more = 255 * constantOf(added, severity);
  return (image, { channels }) => {
    const result = new Uint8Array(image.length);
    for (let at = 0; at < image.length; at += channels) {
      let value = 0;
      for (let channel = 0; channel < channels; channel++) value = Math.max(value, image[at + channel] as number);
      const lighter = Math.min(255, value + more);
      for (let channel = 0; channel < channels; channel++)
        result[at + channel] = toByte(value === 0 ? lighter : ((image[at + channel] as number) * lighter) / value);
    }
    return result;
  };
};
