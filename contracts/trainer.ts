import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';
import { epochMetricsSchema, progressPointSchema, rejectedCheckpointSchema } from './checkpoints.ts';
import { shardOutcomeSchema } from './embedding.ts';
import { errorCodes } from './errors.ts';
import { stepKeySchema } from './identifiers.ts';
import type { StepKind } from './kinds/kind.ts';
import { type KindsRunBy, kindsRunBy, stepKinds } from './step-kinds.ts';
import {
  checkpointSchema,
  classifierConfigSchema,
  dataSchema,
  replicasSchema,
  trainingConfigSchema,
} from './training.ts';

/** State after epoch `epoch`, as the workflow's history recorded it; epoch 0 is the state before training. */
export const recordedStateSchema = z.strictObject({ epoch: z.int().positive(), digest: digestSchema });

const trainingConfigUnion = z.union([trainingConfigSchema, classifierConfigSchema]);

const trainingSchema = stepKeySchema.extend({
  dataset: artifactRefSchema,
  config: trainingConfigUnion,
  checkpoint: checkpointSchema,
  data: dataSchema.prefault({}),
  replicas: replicasSchema.optional(),
  /**
   * Epochs that were trained with other configs, the earliest first. Checkpoints past the recorded state that belong to none
   * of them were abandoned, and are passed over. Absent where nothing ever changed: then such a checkpoint is an error.
   */
  earlier: z
    .array(z.strictObject({ through: z.int().positive(), dataset: artifactRefSchema, config: trainingConfigUnion }))
    .optional(),
  /** Where the worker puts the initial weights of the hub once it has fetched them. */
  weightsFile: z.string().optional(),
  /** The training goes on from this epoch of another run: what is before it cannot be trained here. */
  startsAt: z.int().positive().optional(),
  /** Epochs that a health rule, or an early stop, may go back to: their checkpoints are kept whatever else is not. */
  mayReturnTo: z.array(z.int().nonnegative()).optional(),
  /** The training stops after this epoch, so no step of the next is taken. */
  until: z.int().positive().optional(),
});

export const trainEpochInput = trainingSchema.extend({
  /** The epoch to train, from 1. */
  epoch: z.int().positive(),
  /** What the state before this epoch must hash to; absent for the first epoch. */
  recorded: recordedStateSchema.optional(),
});
export type TrainEpochInput = z.infer<typeof trainEpochInput>;

export const trainEpochResult = z.strictObject({
  epoch: z.int().positive(),
  digest: digestSchema,
  metrics: epochMetricsSchema,
  best: z.strictObject({ epoch: z.int().positive(), loss: z.number() }),
  /** Where this attempt began, when not at the start of the epoch: it was resumed, or had been done already. */
  resumedFrom: progressPointSchema.nullable(),
  /** Where the checkpoint of the epoch before was not there: that epoch, and the one that was; 0 is the beginning. */
  withoutCheckpoint: z.strictObject({ of: z.int().positive(), from: z.int().nonnegative() }).optional(),
  /** Checkpoints that were found damaged and skipped. */
  rejected: z.array(rejectedCheckpointSchema),
});
export type TrainEpochResult = z.infer<typeof trainEpochResult>;

export const finishTrainingInput = trainingSchema.extend({ recorded: recordedStateSchema });
export type FinishTrainingInput = z.infer<typeof finishTrainingInput>;
const finishTrainingResult = z.strictObject({
  encoder: artifactRefSchema.extend({ kind: z.literal('encoder') }),
  /** Where encoder and classifier were trained together. */
  classifier: artifactRefSchema.extend({ kind: z.literal('classifier') }).optional(),
});
export type FinishTrainingResult = z.infer<typeof finishTrainingResult>;

/** Some training images, and views of each as training sees them: two of full size, and the small ones where there are any. */
export const sampleViewsInput = stepKeySchema.extend({ dataset: artifactRefSchema, config: trainingConfigUnion });
export type SampleViewsInput = z.infer<typeof sampleViewsInput>;
const sampleViewsResult = z.strictObject({
  images: z.int().positive(),
  height: z.int().positive(),
  width: z.int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** How many views there are of each image. */
  views: z.int().positive(),
  /** uint8 [(1 + views) * images, height, width, channels]: all images, the first view of each, the second of each, and so on. */
  pixels: z.base64(),
});
export type SampleViewsResult = z.infer<typeof sampleViewsResult>;

/** A shard of images to be embedded, by the list of them in the store. */
const embedShardInput = stepKeySchema.extend({
  encoder: artifactRefSchema,
  dataset: artifactRefSchema.optional(),
  /** Path in the store, JSON lines of `imageToEmbedSchema`. */
  list: z.string(),
  /** Where the embeddings are put. */
  place: z.string(),
  /** The folder that the files lie in; absent for images of a data set. */
  root: z.string().optional(),
  pictures: z.boolean(),
});

type OptionalOf<K extends StepKind> = K extends { readonly optional: readonly (infer Name)[] } ? Name : never;

/** What a kind's job is given (the step, its inputs by name, its parameters), and what it gives. */
function jobOf<K extends StepKind>({ inputs, optional = [], parameters, result }: K) {
  const schemaOf = (name: string) => (optional.includes(name) ? artifactRefSchema.optional() : artifactRefSchema);
  const refs = Object.fromEntries(Object.keys(inputs).map((name) => [name, schemaOf(name)])) as {
    readonly [Name in keyof K['inputs']]: Name extends OptionalOf<K>
      ? z.ZodOptional<typeof artifactRefSchema>
      : typeof artifactRefSchema;
  };
  return {
    input: stepKeySchema.extend({ ...refs, parameters: parameters as K['parameters'] }),
    result: result as K['result'],
  };
}

/** The kinds of steps that are one job of a trainer, by the same name. */
export type JobKindName = KindsRunBy<'job'>;
export const jobKindNames = kindsRunBy('job');
const stepJobs = Object.fromEntries(jobKindNames.map((name) => [name, jobOf(stepKinds[name])])) as {
  readonly [Name in JobKindName]: ReturnType<typeof jobOf<(typeof stepKinds)[Name]>>;
};

/** What a trainer process can be asked to do. */
export const trainerJobs = {
  'train-epoch': { input: trainEpochInput, result: trainEpochResult },
  'finish-training': { input: finishTrainingInput, result: finishTrainingResult },
  'sample-views': { input: sampleViewsInput, result: sampleViewsResult },
  'embed-shard': { input: embedShardInput, result: shardOutcomeSchema },
  ...stepJobs,
} as const;
export type TrainerJob = keyof typeof trainerJobs;
export type JobInput<J extends TrainerJob> = z.infer<(typeof trainerJobs)[J]['input']>;
export type JobResult<J extends TrainerJob> = z.infer<(typeof trainerJobs)[J]['result']>;

/** How far a job is, a few times a second at most. */
export const trainerProgressSchema = z.strictObject({
  /** What is being done, in a word or two: `epoch 3`, `features`. */
  phase: z.string(),
  done: z.int().nonnegative(),
  total: z.int().positive(),
  unit: z.enum(['steps', 'images', 'batches', 'epochs', '%']),
  /** Null where it is no number, or infinite. */
  loss: z.number().nullable().optional(),
  imagesPerSecond: z.number().optional(),
});
export type TrainerProgress = z.infer<typeof trainerProgressSchema>;

/** What becomes of a training's checkpoints while its job goes on. It is for people: nothing that is computed goes by it. */
export const trainingEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    /** The trainer took the lease, and has the training from its beginning or a checkpoint. */
    type: z.literal('opened'),
    /** Somebody had the lease before. */
    takenOver: z.boolean(),
    /** When the checkpoint was made; null for the beginning. */
    from: z.iso.datetime().nullable(),
  }),
  z.strictObject({
    /** A checkpoint is durable. */
    type: z.literal('checkpoint'),
    bytes: z.int().nonnegative(),
    /** From when it was due to when it was durable. */
    seconds: z.number().nonnegative(),
  }),
]);
export type TrainingEvent = z.infer<typeof trainingEventSchema>;

/** Worker to trainer. `stop` asks for a checkpoint at the next step boundary and the end of the job. */
export const trainerRequestSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('job'),
    id: z.int(),
    job: z.enum(Object.keys(trainerJobs) as [TrainerJob, ...TrainerJob[]]),
    input: z.unknown(),
  }),
  z.strictObject({ type: z.literal('stop') }),
]);
export type TrainerRequest = z.infer<typeof trainerRequestSchema>;

/** Trainer to worker. `stopped` answers `stop`, with the point of the checkpoint that was written. */
export const trainerMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('progress'), progress: trainerProgressSchema }),
  z.strictObject({ type: z.literal('training'), event: trainingEventSchema }),
  z.strictObject({ type: z.literal('result'), id: z.int(), result: z.unknown() }),
  z.strictObject({ type: z.literal('stopped'), id: z.int(), at: progressPointSchema.nullable() }),
  z.strictObject({
    type: z.literal('error'),
    id: z.int(),
    code: z.enum(errorCodes),
    message: z.string(),
    stack: z.string().optional(),
  }),
]);
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;
