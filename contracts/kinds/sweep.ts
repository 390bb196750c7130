import { z } from 'zod';
import { artifactKindSchema } from '../artifacts.ts';
import { stepIdSchema } from '../identifiers.ts';
import { canonicalJson, isMapping } from '../json.ts';
import { limits } from '../limits.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

/** Beyond it no parameter of a training lies, and whole numbers are exact. */
const farthest = 1e12;
const rangeSchema = <T extends z.ZodType<number>>(bound: T) =>
  z.tuple([bound, bound]).refine(([low, high]) => Number(low) < Number(high), 'must be two numbers, the smaller first');
const wholeSchema = z.boolean().optional().describe('true: whole numbers only');
const areWhole = (range: readonly number[], whole: boolean | undefined) =>
  whole !== true || range.every((end) => Number.isInteger(end));
const mustBeWhole = 'must be two whole numbers where whole is true';

/** What a parameter may be: one of a list, or any number of a range. */
export const dimensionSchema = z.union([
  z
    .array(z.json())
    .min(1)
    .max(limits.matrixCombinations)
    .superRefine((list, context) => {
      const texts = list.map((value) => canonicalJson(value));
      const twice = texts.findIndex((text, at) => texts.indexOf(text) < at);
      if (twice >= 0)
        context.addIssue({ code: 'custom', path: [twice], message: 'is in the list before; write each value once' });
    }),
  z
    .strictObject({
      linear: rangeSchema(z.number().min(-farthest).max(farthest)).describe('any number between two'),
      whole: wholeSchema,
    })
    .refine(({ linear, whole }) => areWhole(linear, whole), { path: ['linear'], message: mustBeWhole }),
  z
    .strictObject({
      log: rangeSchema(z.number().positive().max(farthest)).describe(
        'any number between two above 0, each order of magnitude as likely',
      ),
      whole: wholeSchema,
    })
    .refine(({ log, whole }) => areWhole(log, whole), { path: ['log'], message: mustBeWhole }),
]);
export type Dimension = z.infer<typeof dimensionSchema>;

const halvingSchema = z.strictObject({
  from: z.int().min(1).describe('epochs of the first rung'),
  factor: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe('each rung has so many times the epochs of the one before, and one in so many of its trials'),
  mode: z
    .enum(['synchronous', 'asynchronous'])
    .default('synchronous')
    .describe(
      'synchronous: a rung is decided when all its trials are there, so the order depends on results alone; asynchronous (ASHA): as soon as a trial is among the best so far, so no worker waits',
    ),
  of: stepIdSchema.optional().describe('the training that stops at rungs, where the trial has several'),
});

/** What a trial came to at a rung. Null: it was lost. */
const reachedSchema = z.strictObject({ epochs: z.int().nullable(), value: z.number().nullable() });

/** Characters of why a trial was lost, in the table of all. */
export const mostLostText = 300;

export const trialRowSchema = z.strictObject({
  trial: z.int().nonnegative(),
  parameters: z.record(z.string(), z.json()),
  rungs: z.array(reachedSchema).describe('every rung that it reached: `epochs` (null without halving) and `value`'),
  lost: z.string().optional().describe('why it has no value'),
});
export type TrialRow = z.infer<typeof trialRowSchema>;

export const sweepParameters = z
  .strictObject({
    search: z
      .enum(['grid', 'random', 'tpe'])
      .default('random')
      .describe(
        'grid: every combination of the lists; random; tpe: draws near what was good so far (Bergstra et al. 2011)',
      ),
    trials: z
      .int()
      .min(1)
      .max(limits.matrixCombinations)
      .optional()
      .describe('how many settings are tried; needed but for a grid, which tries all'),
    over: z
      .record(z.string(), dimensionSchema)
      .refine((over) => Object.keys(over).length <= 20, 'must be at most 20')
      .describe(
        'what is tried, by a name that the steps use as `${sweep.<name>}`: a list, `{ linear: [low, high] }` or `{ log: [low, high] }`',
      ),
    seed: seedSchema.describe('of the draws'),
    seeds: z
      .union([z.int().min(1).max(20), z.array(seedSchema.removeDefault()).min(1).max(20)])
      .default(1)
      .describe(
        'how often each setting is tried, or the seeds themselves; `${sweep.seed}` is the seed of a replicate (0, 1, …), and the mean of the values decides',
      ),
    halving: halvingSchema
      .optional()
      .describe('stop trials at rungs and go on with the best of each; absent: every trial is trained to its end'),
    objective: z
      .strictObject({
        maximise: z.number().optional().describe('`${steps.<id>.result.<field>}` of a step of the trial'),
        minimise: z.number().optional().describe('the same, where less is better'),
      })
      .describe('the number that decides, which test images may not have a part in'),
    budget: z
      .strictObject({
        epochs: z
          .int()
          .min(1)
          .optional()
          .describe('epochs of all trials together; synchronous: as many trials as it pays for, with all their rungs'),
        minutes: z
          .number()
          .positive()
          .optional()
          .describe('computing time of all trials together, after which none is begun or promoted'),
      })
      .optional(),
    atOnce: z.int().min(1).max(256).default(4).describe('trials under way at a time'),
    steps: z
      .record(z.string(), z.json())
      .meta({ holds: 'steps', description: 'the steps of a trial, by id, as a pipeline has them' }),
    takes: z
      .partialRecord(artifactKindSchema, z.strictObject({ step: stepIdSchema, field: z.string() }))
      .optional()
      .meta({ filledIn: true }),
    ended: z
      .strictObject({
        trials: z.array(trialRowSchema),
        epochs: z.int().nullable(),
        seconds: z.number(),
        winner: z
          .strictObject({
            trial: z.int().nonnegative(),
            seed: z.int().nonnegative(),
            values: z.array(z.number()),
            steps: z.record(stepIdSchema, z.record(z.string(), z.json())),
          })
          .optional(),
      })
      .optional()
      .meta({ filledIn: true }),
  })
  .superRefine(({ objective, search, trials, halving, budget }, context) => {
    const say = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if ((objective.maximise === undefined) === (objective.minimise === undefined))
      say(['objective'], 'must have either `maximise` or `minimise`');
    if (search === 'grid' && trials !== undefined)
      say(['trials'], 'is of no use in a grid, which tries every combination');
    if (search !== 'grid' && trials === undefined) say(['trials'], `is needed: how many settings ${search} tries`);
    if (halving?.mode === 'asynchronous' && search === 'grid')
      say(['halving', 'mode'], 'must be synchronous with a grid, or search random or tpe');
    if (budget && budget.epochs === undefined && budget.minutes === undefined)
      say(['budget'], 'must have `epochs` or `minutes`');
  });
export type SweepParameters = z.infer<typeof sweepParameters>;

export const sweepResult = z.strictObject({
  value: z.number().describe('the objective of the winner, the mean over its seeds'),
  deviation: z.number().nullable().describe('sample standard deviation over its seeds; null for one seed'),
  trial: z.int().describe('which trial won, counted from 0'),
  seed: z.int().describe('the seed of its replicate with the best value, whose artifacts these are'),
  parameters: z.record(z.string(), z.json()).describe('of the winner, by the names of `over`'),
  steps: z
    .record(z.string(), z.any())
    .describe('the results of its steps, by id: `${steps.<id>.result.steps.probe.…}`'),
  trials: z.int().describe('how many were begun'),
  lost: z.int().describe('how many of them failed'),
  epochs: z.int().nullable().describe('trained in all trials together; null where their number was swept over'),
  minutes: z.number().describe('of computing in all trials together; what was taken from earlier runs counts nothing'),
  table: z.array(trialRowSchema).describe('every trial, the best first'),
});
export type SweepResult = z.infer<typeof sweepResult>;

/** The artifacts of the winner are there under the names of their kinds. */
const takenBy = ({ takes }: Readonly<Record<string, unknown>>) =>
  Object.keys(isMapping(takes) ? takes : {}).flatMap((name) => artifactKindSchema.safeParse(name).data ?? []);

export const sweep = {
  description: 'Try settings of a training, or of several steps, and take the best; see [sweeps.md](sweeps.md)',
  version: 1,
  parameters: sweepParameters,
  result: sweepResult,
  inputs: {},
  outputs: {},
  outcome: (given) => {
    const over = isMapping(given.over) ? Object.keys(given.over) : [];
    const kinds = takenBy(given);
    return {
      result: sweepResult.extend({
        parameters: z.strictObject(Object.fromEntries(over.map((name) => [name, z.json()]))),
        ...Object.fromEntries(kinds.map((kind) => [kind, artifactOf(kind)])),
      }),
      outputs: Object.fromEntries(kinds.map((kind) => [kind, kind])),
    };
  },
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
