import { z } from 'zod';

/** A choice written by its name alone takes that choice's defaults: `optimizer: adam` is `optimizer: { name: adam }`. */
export const byName = <Name extends string, T extends z.ZodType<object, { name: Name }>>(
  names: readonly Name[],
  schema: T,
) => z.union([z.enum(names).transform((name): z.output<T> => schema.parse({ name })), schema]);
