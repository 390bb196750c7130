import { z } from 'zod';

/** What random draws follow from. */
export const seedSchema = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .default(0);
