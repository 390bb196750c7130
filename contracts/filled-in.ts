import type { z } from 'zod';

/** Whether a parameter is one that the plan or the run fills in, so that nobody writes it. */
export const isFilledIn = (parameter: z.ZodType | undefined): boolean => parameter?.meta()?.filledIn === true;
