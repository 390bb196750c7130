import { z } from 'zod';

/** `sampler.balanced.perClass` */
export const perClassSchema = z.int().min(1).max(65536).describe('images of each class; a divisor of batch');

interface Balanced {
  readonly batch: number;
  readonly sampler?: { readonly balanced: { readonly perClass: number } } | undefined;
}

/**
 * Refuses a balanced sampler whose batches cannot be filled, or hold one class alone, where there is nothing to contrast with.
 *
 * @param contrasts whether the loss needs several classes
 */
export const checkBalanced =
  (contrasts: boolean) =>
  ({ batch, sampler }: Balanced, context: z.core.$RefinementCtx): void => {
    if (!sampler) return;
    const { perClass } = sampler.balanced;
    const path = ['sampler', 'balanced', 'perClass'];
    const refuse = (message: string) => context.addIssue({ code: 'custom', path, message });
    if (batch % perClass !== 0) refuse(`must divide the batch of ${batch} images`);
    else if (contrasts && perClass === batch)
      refuse(`must be less than the batch of ${batch} images, which would hold one class`);
  };
