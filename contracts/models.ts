import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';

export const modelNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, starting with a letter, at most 63');

/** The measures of an evaluation by which models can be compared. */
export const metricNames = ['top1', 'top5', 'macroF1', 'knn'] as const;
export type MetricName = (typeof metricNames)[number];

/** The measures of a retrieval by which models can be compared. */
const searchMetricNames = ['recallAt1', 'mapAtR'] as const;
export type SearchMetricName = (typeof searchMetricNames)[number];
export const isSearchMetric = (name: unknown): name is SearchMetricName =>
  searchMetricNames.some((each) => each === name);
/** All that can decide a promotion. */
export const promotionMetricSchema = z.enum([...metricNames, ...searchMetricNames]);
export type PromotionMetric = z.infer<typeof promotionMetricSchema>;

/** A model that was current at some time, as `models/<name>/versions/<number>.json` holds it. */
export const modelVersionSchema = z.strictObject({
  format: z.literal('contrail-model/1'),
  model: modelNameSchema,
  version: z.int().positive(),
  run: runIdSchema,
  /** The step that promoted it; null for a person at the command line. */
  step: plannedStepIdSchema.nullable(),
  encoder: artifactRefSchema,
  /** Null for a model that was measured by retrieval, which is an encoder alone. */
  classifier: artifactRefSchema.nullable(),
  /** What it was measured by: an evaluation or a retrieval. */
  evaluation: artifactRefSchema,
  /** Null where it was not measured; those of an evaluation or of a retrieval. */
  metrics: z.partialRecord(promotionMetricSchema, z.number().nullable()),
  /** SHA-256 of the test images and labels that it was measured on; of a retrieval, of its data set. */
  testSet: digestSchema,
  reason: z.string(),
  /** What look-alikes are searched in, made with this encoder; absent where there is none yet. It changes with the version, in one step. */
  index: artifactRefSchema.optional(),
  /** The run and the step that gave it this index, where that was all that changed: `run` and `step` are then those of the model. */
  indexedBy: z.strictObject({ run: runIdSchema, step: plannedStepIdSchema.nullable() }).optional(),
  /** The version whose model this is again, after a rollback. */
  restores: z.int().positive().optional(),
  promotedAt: z.iso.datetime(),
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

/** What a comparison of a candidate with the current model says. */
export interface Judgement {
  readonly better: boolean;
  /** The metric of the current model, and of the candidate, on the images that they were compared on. */
  readonly before: number | null;
  readonly after: number | null;
  readonly reason: string;
  /** Test images that they were compared on; null where they were not compared. */
  readonly images: number | null;
  /** Test images that were left out because one of them has seen them; null where that was not asked. */
  readonly seen: number | null;
  /** 95 % interval of the difference. */
  readonly interval: readonly [number, number] | null;
}

/** A candidate that did not become the current model, as `models/<name>/refused/<run>/<step>.json` holds it. */
export const refusalSchema = z.strictObject({
  format: z.literal('contrail-refusal/1'),
  model: modelNameSchema,
  run: runIdSchema,
  /** Null for a person at the command line. */
  step: plannedStepIdSchema.nullable(),
  /** The version that stayed. */
  version: z.int().positive().nullable(),
  reason: z.string(),
  before: z.number().nullable(),
  after: z.number().nullable(),
  at: z.iso.datetime(),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** What stands for promotion: a model and what was measured of it. */
export type Candidate = Pick<
  ModelVersion,
  'run' | 'step' | 'encoder' | 'classifier' | 'evaluation' | 'metrics' | 'testSet' | 'index'
>;
