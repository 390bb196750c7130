import { z } from 'zod';
import type { ArtifactKind } from '../artifacts.ts';
import { measureComparisonSchema } from '../comparison.ts';
import { artifactOf, type StepKind } from './kind.ts';

/** One artifact, all of a matrix, or several matrices one after the other. */
const oneOrMore = <K extends ArtifactKind>(kind: K) => {
  const one = artifactOf(kind);
  return z
    .union([one, z.array(z.union([one, z.array(one).min(1)])).min(1)])
    .transform((given) => (Array.isArray(given) ? given : [given]).flat());
};

const armSchema = z.strictObject({
  name: z.string().min(1).max(60).describe('what the arm is called'),
  evaluations: oneOrMore('evaluation').describe('of each run, in the order of the seeds: those of a matrix'),
  robustness: oneOrMore('robustness').optional().describe('of each run, in the same order'),
  outliers: oneOrMore('outliers')
    .optional()
    .describe('of each run, in the same order; a list of such lists for several outside data sets'),
  curves: oneOrMore('curve').optional().describe('of each run, in the same order'),
});

export const compareParams = z
  .strictObject({
    a: armSchema.describe('the arm that differences are of: a - b'),
    b: armSchema.describe('the arm that it is compared with, and the reference of corruption errors'),
    target: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('an accuracy: compare the epochs that the linear probe took to reach it, on `curves`'),
  })
  .superRefine(({ a, b, target }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const list of ['robustness', 'outliers', 'curves'] as const)
      if ((a[list] === undefined) !== (b[list] === undefined))
        refuse([a[list] ? 'b' : 'a'], `has no ${list}, and the other arm has; give both or neither`);
    if (a.name === b.name) refuse(['b', 'name'], 'is that of the other arm too');
    if (target !== undefined && !a.curves) refuse(['target'], 'is looked for on `curves`, which the arms do not have');
    if (target === undefined && a.curves) refuse(['target'], 'is missing: it says what is compared of `curves`');
  });
export type CompareParams = z.infer<typeof compareParams>;

export const compareResult = z.strictObject({
  comparison: artifactOf('comparison'),
  top1Difference: z.number().describe('top-1 accuracy of a less that of b, mean over the pairs'),
  low: z.number().nullable().describe('where its 95 % interval begins; null for a single pair'),
  high: z.number().nullable().describe('where it ends'),
  verdict: measureComparisonSchema.shape.verdict.describe('on top-1 accuracy'),
});
export type CompareResult = z.infer<typeof compareResult>;

export const compare = {
  description: 'Compare two arms over runs that differ in their seed alone, with confidence intervals',
  version: 1,
  params: compareParams,
  result: compareResult,
  inputs: {},
  outputs: { comparison: 'comparison' },
  training: false,
  queue: 'cpu',
} as const satisfies StepKind;
