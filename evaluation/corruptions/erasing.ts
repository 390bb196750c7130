import { type Corruption, constantOf } from './image.ts';

/** Share of the image. */
const shares = [0.02, 0.05, 0.1, 0.15, 0.25] as const;
/** Neither black nor white, so that it shows on any background. */
const grey = 128;

/** Covers a square at a random place with grey: something is in front of the thing. */
export const erasing: Corruption = (severity) => {
  const share = constantOf(shares, severity);
  return (image, { height, width, channels }, draw) => {
    const side = Math.min(height, width, Math.round(Math.sqrt(share * height * width)));
    const top = Math.floor(draw(0) * (height - side + 1));
    const left = Math.floor(draw(1) * (width - side + 1));
    const result = image.slice();
    for (let y = top; y < top + side; y++)
      result.fill(grey, (y * width + left) * channels, (y * width + left + side) * channels);
    return result;
  };
};
