import { z } from 'zod';
import type { ArtifactKind } from '../artifacts.ts';
import { measureComparisonSchema } from '../comparison.ts';
import { artifactOf, type StepKind } from './kind.ts';

/** The artifacts of all runs. One alone, and a list of the lists of several matrices, are made a list. */
const listOf = <K extends ArtifactKind>(kind: K) =>
  z.preprocess(
    (given) => (given === undefined || typeof given === 'string' ? given : [given].flat(2)),
    z.array(artifactOf(kind)).min(1),
  );

const armSchema = z.strictObject({
  name: z.string().min(1).max(60).describe('what the arm is called'),
  evaluations: listOf('evaluation').describe('of each run, in the order of the seeds: those of a matrix'),
  robustness: z.optional(listOf('robustness')).describe('of each run, in the same order'),
  outliers: listOf('outliers')
    .optional()
    .describe('of each run, in the same order; a list of such lists for several outside data sets'),
  retrievals: z
    .optional(listOf('retrieval'))
    .describe('of each run, in the same order; both arms search for the same images among the same'),
  curves: listOf('curve').optional().describe('of each run, in the same order'),
});

export const compareParameters = z
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
    for (const list of ['robustness', 'outliers', 'retrievals', 'curves'] as const)
      if ((a[list] === undefined) !== (b[list] === undefined))
        refuse([a[list] ? 'b' : 'a'], `has no ${list}, and the other arm has; give both or neither`);
    if (a.name === b.name) refuse(['b', 'name'], 'is that of the other arm too');
    if (target !== undefined && !a.curves) refuse(['target'], 'is looked for on `curves`, which the arms do not have');
    if (target === undefined && a.curves) refuse(['target'], 'is missing: it says what is compared of `curves`');
  });
export type CompareParameters = z.infer<typeof compareParameters>;

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
  version: 2,
  parameters: compareParameters,
  result: compareResult,
  inputs: {},
  outputs: { comparison: 'comparison' },
  measures: 'comparison',
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
