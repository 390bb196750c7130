import { z } from 'zod';

/** One number for all channels, or one for each of three. */
const perChannel = <T extends z.ZodNumber>(number: T) =>
  z.array(number).refine(({ length }) => length === 1 || length === 3, 'must be one number for all channels, or three');

/** How pixels between 0 and 1 are normalised before the encoder: (pixel - mean) / deviation. */
export const normaliseSchema = z.union([
  z.enum(['dataset', 'imagenet', 'half']),
  z
    .strictObject({
      mean: perChannel(z.number().min(-10).max(10)),
      deviation: perChannel(z.number().min(1e-6).max(10)),
    })
    .refine(({ mean, deviation }) => mean.length === deviation.length, 'mean and deviation must have as many numbers'),
]);
export type Normalise = z.infer<typeof normaliseSchema>;

export interface Normalisation {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** What most weights trained on ImageNet expect, and what those of `google/vit-*` and others do. */
const named: Readonly<Record<'imagenet' | 'half', Normalisation>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  half: { mean: [0.5], deviation: [0.5] },
};

/**
 * The numbers of a normalisation.
 *
 * @param dataset those of the training images
 */
export function normalisationOf(normalise: Normalise | undefined, { mean, deviation }: Normalisation): Normalisation {
  if (normalise === undefined || normalise === 'dataset') return { mean, deviation };
  return typeof normalise === 'string' ? named[normalise] : normalise;
}
