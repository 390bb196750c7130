import type { LoadedSplit } from '../datasets/index.ts';

/** A grey image of a split, as a writer of data sets takes it. */
export const imageOf = ({ images, height, width }: LoadedSplit, row: number) => ({
  pixels: images.slice(row * height * width, (row + 1) * height * width),
  ...{ height, width },
  channels: 1 as const,
});
