import { z } from 'zod';

/** From the lower to the upper of two numbers. */
export const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, 'the first number must not be above the second');
