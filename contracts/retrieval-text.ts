import { z } from 'zod';
import { times } from './counted.ts';
import { countOfLeaks, type LeakCounts, leakKindsText } from './leaks.ts';
import type { StepStatus } from './status.ts';

const countSchema = z.int().nullable().optional().catch(null);
const resultSchema = z.object({
  queries: z.int(),
  lone: countSchema,
  copies: countSchema,
  nearLeaks: countSchema,
  embeddingLeaks: countSchema,
  allRecallAt1: z.number().nullable().optional().catch(null),
});

/** Why no image was left to search for: `12 images have no other of their class in the gallery, 3 leak (3 exact copies)`. */
export function whyNoQueries(lone: number, leaks: LeakCounts | null): string {
  const leaking = leaks ? countOfLeaks(leaks) : 0;
  const reasons = [
    ...(lone > 0
      ? [
          `${times(lone, 'image')} ${lone === 1 ? 'has' : 'have'} no other of ${lone === 1 ? 'its' : 'their'} class in the gallery`,
        ]
      : []),
    ...(leaks && leaking > 0
      ? [`${times(leaking, 'image')} ${leaking === 1 ? 'leaks' : 'leak'} (${leakKindsText(leaks)})`]
      : []),
  ];
  return reasons.length === 0 ? 'there is no image' : reasons.join(', ');
}

/** That a search had no queries, and why, in a line. Empty for one that had, and for other steps. */
export function noQueriesText({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  if (uses !== 'retrieval') return '';
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success || parsed.data.queries > 0) return '';
  const { lone, copies = null, nearLeaks = null, embeddingLeaks = null, allRecallAt1: all } = parsed.data;
  const leaks = { exact: copies, near: nearLeaks, embedding: embeddingLeaks };
  const withLeaks = typeof all === 'number' ? `; with those that leak recallAt1 is ${all.toFixed(4)}` : '';
  return `nothing measured, no query is left: ${whyNoQueries(lone ?? 0, leaks)}${withLeaks}`;
}
