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
    const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
    const result = new Uint8Array(image.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const fromY = within(middleY + cosine * (y - middleY) - sine * (x - middleX), height - 1);
        const fromX = within(middleX + sine * (y - middleY) + cosine * (x - middleX), width - 1);
        const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
        const [bottom, right] = [Math.min(height - 1, top + 1), Math.min(width - 1, left + 1)];
        const [low, far] = [fromY - top, fromX - left];
        for (let channel = 0; channel < channels; channel++) {
          const at = (row: number, column: number) => image[(row * width + column) * channels + channel] as number;
          const above = (1 - far) * at(top, left) + far * at(top, right);
          const below = (1 - far) * at(bottom, left) + far * at(bottom, right);
          result[(y * width + x) * channels + channel] = toByte((1 - low) * above + low * below);
        }
      }
    return result;
  };
};
