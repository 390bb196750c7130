import { type Corruption, constantOf, toByte } from './image.ts';

/** Degrees. */
const angles = [5, 10, 15, 20, 30] as const;

/** Turns an image about its middle, either way, with bilinear interpolation; what comes in repeats the border. */
export const rotation: Corruption = (severity) => {
  const angle = (Math.PI * constantOf(angles, severity)) / 180;
  return (image, { height, width, channels }, draw) => {
    const sine = Math.sin(angle) * (draw(0) < 0.5 ? -1 : 1);
    const cosine = Math.cos(angle);
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
    const result = new Uint8Array(image.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const fromY = clamped(middleY + cosine * (y - middleY) - sine * (x - middleX), height - 1);
        const fromX = clamped(middleX + sine * (y - middleY) + cosine * (x - middleX), width - 1);
        const top = Math.floor(fromY);
        const left = Math.floor(fromX);
        const low = fromY - top;
        const far = fromX - left;
        const upper = (top * width + left) * channels;
        const lower = upper + (top < height - 1 ? width * channels : 0);
        const right = left < width - 1 ? channels : 0;
        for (let channel = 0; channel < channels; channel++) {
          const above =
            (1 - far) * (image[upper + channel] as number) + far * (image[upper + right + channel] as number);
          const below =
            (1 - far) * (image[lower + channel] as number) + far * (image[lower + right + channel] as number);
          result[(y * width + x) * channels + channel] = toByte((1 - low) * above + low * below);
        }
      }
    return result;
  };
};

const clamped = (value: number, most: number) => Math.min(most, Math.max(0, value));
