import { z } from 'zod';
import { approvalDecisionSchema } from './approval.ts';
import { digestSchema, splitCountsSchema } from './artifacts.ts';
import { epochMetricsSchema } from './checkpoints.ts';
import { comparisonSchema } from './comparison.ts';
import { driftSchema } from './drift.ts';
import { encoderOriginSchema } from './encoder-origin.ts';
import { evaluationSchema } from './evaluation.ts';
import { plannedStepIdSchema, runIdSchema } from './identifiers.ts';
import { inspectionSchema } from './inspection.ts';
import { dataSummarySchema } from './kinds/prepare-data.ts';
import { promoteResult } from './kinds/promote.ts';
import { dimensionSchema, trialRowSchema } from './kinds/sweep.ts';
import { learningCurveSchema } from './learning-curve.ts';
import { outliersSchema } from './outliers.ts';
import { retrievalSchema } from './retrieval.ts';
import { robustnessSchema } from './robustness.ts';
import { trainingChangesSchema } from './training-changes.ts';

/** Which step made something, and which training it goes back to. */
const originSchema = z.strictObject({
  step: plannedStepIdSchema,
  /** The id of the training's step in the pipeline, and the matrix values that are not its seed: runs of one arm differ in their seed alone. */
  arm: z.string(),
  /** The matrix values, such as `seed=0`; empty where there is no matrix. */
  variant: z.string(),
});
export type Origin = z.infer<typeof originSchema>;

/** A place of an epoch's axis where the process that trained was replaced. */
const interruptionSchema = z.strictObject({
  /** `resume`: a person started the run again. `restart`: the training went on by itself. */
  kind: z.enum(['restart', 'resume']),
  at: z.iso.datetime(),
  /** Host and process that took the training over. */
  owner: z.string(),
  /** The epoch that was under way; null where the log does not say. */
  epoch: z.int().positive().nullable(),
});
export type Interruption = z.infer<typeof interruptionSchema>;

const trainingReportSchema = originSchema.extend({
  uses: z.string(),
  /** What a person calls its loss; absent in reports of before. */
  loss: z.string().optional(),
  /** The run that trained it, where its result was taken from there. */
  takenFrom: runIdSchema.nullable(),
  plannedEpochs: z.int().positive(),
  finished: z.boolean(),
  epochs: z.array(epochMetricsSchema.extend({ epoch: z.int().positive() })),
  interruptions: z.array(interruptionSchema),
  changes: trainingChangesSchema,
});
export type TrainingReport = z.infer<typeof trainingReportSchema>;

/** An encoder that began with weights from elsewhere, or that an adapter was put on. */
const encoderReportSchema = originSchema.extend({
  uses: z.string(),
  origin: encoderOriginSchema,
  /** Of an adapter: for how many epochs it was trained, and what came of it once it is done. */
  adapter: z
    .strictObject({
      epochs: z.int().positive(),
      done: z.strictObject({ loss: z.number(), seconds: z.number().nullable() }).nullable(),
    })
    .optional(),
});
export type EncoderReport = z.infer<typeof encoderReportSchema>;

const placeSchema = z.tuple([z.number(), z.number()]);

/** Test images in the plane, and what each is near to. */
const mapSchema = z.strictObject({
  /** UMAP's, and of the pictures' choice. */
  seed: z.int(),
  points: z.array(
    z.strictObject({
      /** Of the test split. */
      row: z.int().nonnegative(),
      label: z.int().nonnegative(),
      predicted: z.int().nonnegative().nullable(),
      /** The highest probability. */
      confidence: z.number().nullable(),
      pca: placeSchema,
      umap: placeSchema.nullable(),
      /** The nearest other points by cosine, the nearest first: places in this list. */
      neighbours: z.array(z.int().nonnegative()),
    }),
  ),
});
export type EmbeddingMap = z.infer<typeof mapSchema>;

const evaluationReportSchema = originSchema.extend({
  /** Digest of the data set. */
  dataset: digestSchema,
  /** Digest of the evaluation; absent in reports of earlier versions. */
  artifact: digestSchema.optional(),
  evaluation: evaluationSchema,
  map: mapSchema.nullable(),
});
export type EvaluationReport = z.infer<typeof evaluationReportSchema>;

const dataReportSchema = z.strictObject({
  step: plannedStepIdSchema,
  /** Digest of the data set; absent in reports of earlier versions. */
  dataset: digestSchema.optional(),
  name: z.string(),
  classes: z.int(),
  /** Of them trained on; absent where all are. */
  trainedClasses: z.int().optional(),
  counts: splitCountsSchema,
  summary: dataSummarySchema.partial(),
  rejected: z.array(
    z.strictObject({
      path: z.string(),
      reason: z.string(),
      /** What of it can still be decoded, small: WebP in base64. */
      picture: z.base64().optional(),
    }),
  ),
  /** Rows of the training split that stand for classes; absent where the images are not there to be shown. */
  examples: z.array(z.strictObject({ class: z.string(), rows: z.array(z.int().nonnegative()) })).optional(),
});
export type DataReport = z.infer<typeof dataReportSchema>;

/** What a look at a data set found. */
const inspectionReportSchema = z.strictObject({
  step: plannedStepIdSchema,
  /** Digest of the data set. */
  dataset: digestSchema,
  inspection: inspectionSchema,
});
export type InspectionReport = z.infer<typeof inspectionReportSchema>;

/** Whether recent images differ from the training's. */
const driftReportSchema = z.strictObject({
  step: plannedStepIdSchema,
  drift: driftSchema,
  /** WebP in base64, by the file of the artifact; empty where no page is made. */
  pictures: z.record(z.string(), z.base64()),
});
export type DriftReport = z.infer<typeof driftReportSchema>;

/** A model that was promoted, or was not, and why. */
const promotionReportSchema = z.strictObject({
  step: plannedStepIdSchema,
  model: z.string(),
  metric: z.string(),
  result: promoteResult,
});
export type PromotionReport = z.infer<typeof promotionReportSchema>;

/** A search: what was tried, and what came of it. */
const sweepReportSchema = z.strictObject({
  step: plannedStepIdSchema,
  search: z.enum(['grid', 'random', 'tpe']),
  over: z.record(z.string(), dimensionSchema),
  /** How often each setting is tried. */
  seeds: z.int().positive(),
  goal: z.enum(['highest', 'lowest']),
  /** The step and the field that decide: `probe.validationTop1`. */
  objective: z.string(),
  /** Epochs of each rung; null without halving. */
  rungs: z.array(z.int()).nullable(),
  isAsynchronous: z.boolean(),
  wanted: z.int().positive(),
  /** Those that were begun, the best first. */
  trials: z.array(trialRowSchema),
  isOver: z.boolean(),
  /** Of the winner's value over its seeds. */
  deviation: z.number().nullable(),
  epochs: z.int().nullable(),
  seconds: z.number(),
});
export type SweepReport = z.infer<typeof sweepReportSchema>;

/** report.json: everything that a report of a run shows. */
export const reportSchema = z.strictObject({
  format: z.literal('contrail-report/1'),
  title: z.string(),
  run: runIdSchema,
  builtAt: z.iso.datetime(),
  pipeline: z.strictObject({ name: z.string(), description: z.string().nullable(), file: z.string().nullable() }),
  params: z.record(z.string(), z.json()),
  environment: z.record(z.string(), z.string()),
  startedAt: z.iso.datetime().nullable(),
  /** When the last step that is done was done. */
  endedAt: z.iso.datetime().nullable(),
  forkedFrom: z.strictObject({ run: runIdSchema, step: z.string(), epoch: z.int() }).nullable(),
  resumes: z.array(z.strictObject({ at: z.iso.datetime(), accepted: z.array(z.string()) })),
  schedule: z.string().nullable(),
  /** Hosts that trained. */
  machines: z.array(z.string()),
  steps: z.array(
    z.strictObject({
      step: plannedStepIdSchema,
      uses: z.string(),
      done: z.boolean(),
      seconds: z.number().nullable(),
      finishedAt: z.iso.datetime().nullable(),
      /** The last error in the log of a step that is not done. */
      problem: z.string().nullable(),
      /** It failed, and no more of its matrix did than the pipeline tolerates. */
      tolerated: z.boolean().optional(),
    }),
  ),
  /** What was prepared; empty in reports of versions that did not tell. */
  data: z.array(dataReportSchema).default([]),
  /** Empty in reports of versions that did not inspect. */
  inspections: z.array(inspectionReportSchema).default([]),
  /** Empty in reports of versions that did not look for it. */
  drifts: z.array(driftReportSchema).default([]),
  /** What people decided, the oldest first. */
  approvals: z.array(approvalDecisionSchema.extend({ step: z.string() })).default([]),
  /** What became of the models of the run; empty in reports of versions that did not tell. */
  promotions: z.array(promotionReportSchema).default([]),
  /** Empty in reports of versions that did not search. */
  sweeps: z.array(sweepReportSchema).default([]),
  trainings: z.array(trainingReportSchema),
  /** Empty in reports of versions that did not tell. */
  encoders: z.array(encoderReportSchema).default([]),
  evaluations: z.array(evaluationReportSchema),
  robustness: z.array(originSchema.extend({ robustness: robustnessSchema })),
  outliers: z.array(originSchema.extend({ outliers: outliersSchema })),
  /** Empty in reports of versions that did not measure it. */
  retrieval: z
    .array(
      originSchema.extend({
        /** Digests of the data set and of the retrieval; absent in reports of earlier versions. */
        dataset: digestSchema.optional(),
        artifact: digestSchema.optional(),
        retrieval: retrievalSchema,
      }),
    )
    .default([]),
  curves: z.array(originSchema.extend({ curve: learningCurveSchema })),
  comparisons: z.array(z.strictObject({ step: plannedStepIdSchema, comparison: comparisonSchema })),
  /** What should be here and could not be read. */
  problems: z.array(z.string()),
});
export type Report = z.infer<typeof reportSchema>;
