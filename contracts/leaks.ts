import { z } from 'zod';
import { times } from './counted.ts';
import type { DuplicateKind } from './inspection.ts';

/** What a measure does with images that leak: that show what a training image shows. */
export const leaksPolicySchema = z.enum(['leave-out', 'keep']);
export type LeaksPolicy = z.infer<typeof leaksPolicySchema>;

const countSchema = z.int().nonnegative().nullable();

/** Images that leak, each counted by its surest kind; null where that kind was not looked for. */
export const leaksSchema = z.strictObject({
  exact: countSchema,
  near: countSchema,
  embedding: countSchema,
  /** Whether the measures are without them. */
  policy: leaksPolicySchema,
  /** Whether the inspection looked at some of the images only. */
  partly: z.boolean(),
});
export type LeakCounts = Pick<z.infer<typeof leaksSchema>, DuplicateKind>;

export const countOfLeaks = ({ exact, near, embedding }: LeakCounts): number =>
  (exact ?? 0) + (near ?? 0) + (embedding ?? 0);

const kindTexts: Readonly<Record<DuplicateKind, readonly [string, string]>> = {
  exact: ['exact copy', 'exact copies'],
  near: ['near duplicate', 'near duplicates'],
  embedding: ['by embedding', 'by embedding'],
};

/** `3 exact copies, 1 near duplicate`; empty where there is none. */
export const leakKindsText = (counts: LeakCounts): string =>
  (['exact', 'near', 'embedding'] as const)
    .flatMap((kind) => (counts[kind] ? [times(counts[kind], ...kindTexts[kind])] : []))
    .join(', ');
