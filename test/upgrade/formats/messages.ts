import { z } from 'zod';
import type { PlannedEmbedding } from '../../../activities/embed-images.ts';
import type { LookedUpStep } from '../../../activities/look-up-step.ts';
import type { OpenedTraining } from '../../../activities/open-training.ts';
import type { PreparedRun } from '../../../activities/schedules.ts';
import { approvalDecisionSchema, approveRequestSchema } from '../../../contracts/approval.ts';
import { artifactRefSchema } from '../../../contracts/artifacts.ts';
import { epochMetricsSchema } from '../../../contracts/checkpoints.ts';
import type { EmbeddingProgress } from '../../../contracts/embedding.ts';
import type { Json } from '../../../contracts/json.ts';
import { plannedStepSchema, planSchema } from '../../../contracts/plan.ts';
import { lastCompletedSchema } from '../../../contracts/schedules.ts';
import type { PipelineStatus } from '../../../contracts/status.ts';
import { trainingChangeSchema } from '../../../contracts/training-changes.ts';
import { trainingKindNames } from '../../../contracts/training-kinds.ts';
import type { EmbeddingInput } from '../../../workflows/embedding.ts';
import type {
  PauseRequest,
  SetRequest,
  StepChanged,
  StepPaused,
  StepProgress,
  StepTroubleReport,
  UnpauseRequest,
} from '../../../workflows/messages.ts';
import type { PipelineInput } from '../../../workflows/pipeline.ts';
import type { TrainingInput } from '../../../workflows/training.ts';

/**
 * What workflows are given and answer. Code that one program compiles needs no schema for it, so each stands here beside the type that
 * the code has; the compiler says where the two differ.
 */
type Plain<T> = Json extends T
  ? 'json'
  : T extends readonly (infer E)[]
    ? Plain<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Plain<Exclude<T[K], undefined>> }
      : T;
/** Identity, since a type is assignable to one that has an optional member more. */
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/** The schema, if what it takes is the type; else the compiler refuses `false` in place of `true`. */
const of =
  <T>() =>
  <S extends z.ZodType>(schema: S, _same: Same<z.output<S>, T>): S =>
    schema;

const values = z.record(z.string(), z.json());
const count = z.number();
const text = z.string();
const isPaused = z.boolean();
const scheduling = plannedStepSchema.pick({ queue: true, timeoutMs: true, retry: true, priority: true });

const markSchema = z.strictObject({ epoch: count, loss: count });
const watchSchema = z.strictObject({
  seconds: count,
  lowest: markSchema.nullable(),
  step: markSchema.nullable(),
  collapsed: count,
});
const epochMarkSchema = z.strictObject({ epoch: count, digest: text, metrics: epochMetricsSchema, best: markSchema });
const stoppedSchema = z.strictObject({ run: text, step: text, epoch: count, digest: text });
const startFromSchema = z.strictObject({ run: text, step: text, epoch: count });
const failureSchema = z.strictObject({ type: text, message: text });

const stepStatusSchema = z.strictObject({
  id: text,
  uses: plannedStepSchema.shape.uses,
  needs: z.array(text),
  item: text.optional(),
  state: z.enum(['waiting', 'running', 'paused', 'done', 'failed', 'cancelled', 'skipped']),
  attempts: count,
  reused: z.boolean(),
  from: z.strictObject({ run: text, step: text }).optional(),
  startedAt: text.nullable(),
  endedAt: text.nullable(),
  epoch: count.nullable(),
  epochs: count.nullable(),
  metrics: epochMetricsSchema.nullable(),
  result: values.nullable(),
  lost: text.optional(),
  note: text.optional(),
  error: failureSchema.nullable(),
  tolerated: z.boolean().optional(),
  asks: z.strictObject({ message: text, by: text.nullable(), until: text.nullable() }).nullable().optional(),
  trouble: z
    .strictObject({ attempt: count, error: failureSchema, nextTry: text.nullable(), stuck: z.boolean() })
    .optional(),
});

const statusSchema = of<PipelineStatus>()(
  z.strictObject({
    pipeline: text,
    state: z.enum(['running', 'paused', 'done', 'failed', 'cancelled']),
    steps: z.array(stepStatusSchema),
  }),
  true,
);

const pipelineInput = of<PipelineInput>()(
  z.strictObject({
    plan: planSchema,
    resume: z.boolean(),
    redo: z.array(text).optional(),
    useCache: z.boolean().optional(),
    accept: z.boolean().optional(),
    fork: startFromSchema.optional(),
    unlessData: z.strictObject({ run: text, digests: z.record(text, text) }).optional(),
    state: z
      .strictObject({
        steps: z.record(text, stepStatusSchema.omit({ id: true, uses: true, needs: true })),
        paused: text.nullable(),
        changes: z.record(text, values),
        redo: z.array(text),
        decisions: z.record(text, approvalDecisionSchema).optional(),
      })
      .optional(),
  }),
  true,
);

const trainingInput = of<TrainingInput>()(
  scheduling.extend({
    run: text,
    step: text,
    uses: z.enum(trainingKindNames),
    dataset: artifactRefSchema,
    parameters: values,
    fingerprint: text,
    resume: z.boolean(),
    cache: z.boolean().optional(),
    accept: z.boolean(),
    startFrom: startFromSchema.optional(),
    until: count.optional(),
    continues: stoppedSchema.optional(),
    state: epochMarkSchema.extend({ retries: count, lost: text.optional() }).optional(),
    course: z
      .strictObject({
        parameters: values,
        changes: z.array(trainingChangeSchema),
        watch: watchSchema,
        marks: z.array(epochMarkSchema),
      })
      .optional(),
    paused: isPaused.optional(),
  }),
  true,
);

const plannedEmbedding = of<PlannedEmbedding>()(
  z.strictObject({ rows: count, images: count, shards: count, shardImages: count, folder: text, rejected: count }),
  true,
);

const embeddingInput = of<EmbeddingInput>()(
  scheduling.extend({
    run: text,
    step: text,
    inputs: z.record(text, artifactRefSchema),
    parameters: values,
    fingerprint: text,
    state: z
      .strictObject({
        plan: plannedEmbedding.optional(),
        again: count.optional(),
        next: count,
        done: count,
        retries: count,
        paused: isPaused,
      })
      .optional(),
  }),
  true,
);

const stepProgress = of<StepProgress>()(
  z.strictObject({
    step: text,
    epoch: count,
    epochs: count,
    metrics: epochMetricsSchema,
    retries: count,
    lost: text.optional(),
  }),
  true,
);

/** By name: inputs, signals, updates, answers to queries, and results of activities that workflows read again in a replay. */
export const messages: readonly (readonly [string, z.ZodType])[] = [
  ['pipeline', pipelineInput],
  ['training', trainingInput],
  ['embedding', embeddingInput],
  ['query status', statusSchema],
  ['query progress', stepProgress.nullable()],
  [
    'query embedding-progress',
    of<EmbeddingProgress>()(z.strictObject({ done: count, images: count, reused: count }), true),
  ],
  ['signal step-progress', stepProgress],
  ['signal step-paused', of<StepPaused>()(z.strictObject({ step: text, paused: isPaused }), true)],
  [
    'signal step-trouble',
    of<StepTroubleReport>()(
      z.strictObject({
        step: text,
        failed: failureSchema.extend({ attempt: count, nextTry: text }).nullable(),
      }),
      true,
    ),
  ],
  ['signal step-changed', of<StepChanged>()(z.strictObject({ id: text, refused: text.nullable() }), true)],
  ['signal setTraining', z.strictObject({ id: text, path: text, value: z.json() })],
  ['signal unpauseTraining', z.strictObject({ set: values.optional() })],
  [
    'update pause',
    of<PauseRequest>()(z.strictObject({ steps: z.array(text).optional(), reason: text.optional() }), true),
  ],
  [
    'update unpause',
    of<UnpauseRequest>()(z.strictObject({ steps: z.array(text).optional(), set: values.optional() }), true),
  ],
  ['update retry', z.strictObject({ step: text })],
  ['update approve', approveRequestSchema],
  ['update set', of<SetRequest>()(z.strictObject({ step: text, path: text, value: z.json() }), true)],
  [
    'answer of lookUpStep',
    of<LookedUpStep>()(
      z.strictObject({
        fingerprint: text,
        parameters: values.nullable(),
        found: z.strictObject({ result: values, from: z.strictObject({ run: text, step: text }) }).nullable(),
        refused: text.nullable(),
      }),
      true,
    ),
  ],
  [
    'answer of openTraining',
    of<OpenedTraining>()(
      z.strictObject({
        found: epochMarkSchema.nullable(),
        parameters: values,
        changes: z.array(trainingChangeSchema),
        watch: watchSchema,
        marks: z.array(epochMarkSchema),
      }),
      true,
    ),
  ],
  ['answer of planEmbedding', plannedEmbedding],
  [
    'answer of prepareScheduledRun',
    of<PreparedRun>()(z.strictObject({ run: text, plan: planSchema, last: lastCompletedSchema.nullable() }), true),
  ],
];
