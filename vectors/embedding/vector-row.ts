import type { KnownRow } from '../../contracts/embedding.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import type { Look } from '../../datasets/index.ts';

/** A row of an artifact, of an image that was looked at. */
export const vectorRow = (row: KnownRow, { brightness, contrast, saturation }: Look): VectorRow => ({
  ...row,
  brightness: rounded(brightness),
  contrast: rounded(contrast),
  saturation: rounded(saturation),
});

/** Four decimals are enough for a statistic, and the same whether it was kept as a float32 meanwhile or not. */
const rounded = (value: number): number => Math.round(Math.fround(value) * 1e4) / 1e4;
