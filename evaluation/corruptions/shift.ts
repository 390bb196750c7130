import { type Corruption, constantOf } from './image.ts';

/** Pixels. */
const distances = [1, 2, 3, 4, 6] as const;

/** Moves an image in a random direction by whole pixels; what comes in repeats the border. */
export const shift: Corruption = (severity) => {
  const distance = constantOf(distances, severity);
  return (image, { height, width, channels }, draw) => {
    const angle = 2 * Math.PI * draw(0);
    const [right, down] = [Math.round(distance * Math.cos(angle)), Math.round(distance * Math.sin(angle))];
    const result = new Uint8Array(image.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = Math.min(height - 1, Math.max(0, y - down));
        const column = Math.min(width - 1, Math.max(0, x - right));
        const from = (row * width + column) * channels;
        result.set(image.subarray(from, from + channels), (y * width + x) * channels);
      }
    return result;
  };
};
