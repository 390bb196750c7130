import { z } from 'zod';
import { visible } from './visible-text.ts';

/** A class, and how many of its images are recognised. */
export const weakestClassSchema = z.strictObject({ class: z.string(), right: z.int(), images: z.int() });
export type WeakestClass = z.infer<typeof weakestClassSchema>;

/** Accuracy counts images, so it hides a small class of which nothing is recognised: this does not. */
const weakestText = ({ class: name, right, images }: WeakestClass): string =>
  `weakest class ${visible(name)}: ${right} of ${images} right`;

/** The same of the result of a step that evaluates; empty for others, and where every class is right. */
export function weakestIn(result: Readonly<Record<string, unknown>> | null | undefined): string {
  const { data } = weakestClassSchema.safeParse(result?.weakest);
  return data && data.right < data.images ? weakestText(data) : '';
}
