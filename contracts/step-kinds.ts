import { z } from 'zod';
import { type ArtifactKind, artifactRefSchema, digestSchema } from './artifacts.ts';
import { checkpointSchema, trainingConfigSchema } from './training.ts';

const artifactOf = (kind: ArtifactKind) => artifactRefSchema.extend({ kind: z.literal(kind) });

export const prepareDataParams = z.strictObject({
  dataset: z.enum(['fashion-mnist', 'cifar10', 'image-folder', 'generated']).describe('where the images come from'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'the folder that holds the files: needed for cifar10 and image-folder, found by itself for fashion-mnist',
    ),
  validation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('fraction of the training images kept for choosing, by class'),
  test: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.2)
    .describe('fraction kept for the test where the source has no test set of its own'),
  limit: z
    .strictObject({ train: z.int().min(2).optional(), test: z.int().min(1).optional() })
    .prefault({})
    .describe('use at most so many images, evenly over the classes'),
  fit: z.enum(['pad', 'resize']).default('pad').describe('how an image that is not 32x32 becomes so'),
  maximumRejected: z.int().min(0).default(10).describe('how many unusable files to skip before giving up'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  generated: z
    .strictObject({
      classes: z.int().min(2).max(100).default(4),
      images: z.int().min(8).max(100_000).default(512),
      channels: z.union([z.literal(1), z.literal(3)]).default(1),
    })
    .optional()
    .describe('the size of a generated data set'),
});
export type PrepareDataParams = z.infer<typeof prepareDataParams>;

export const prepareDataResult = z.strictObject({
  dataset: artifactOf('dataset'),
  name: z.string(),
  classes: z.int(),
  counts: z.strictObject({ train: z.int(), validation: z.int(), test: z.int() }),
  rejected: z.int(),
});

export const pretrainParams = trainingConfigSchema.extend({ checkpoint: checkpointSchema.prefault({}) });
export type PretrainParams = z.infer<typeof pretrainParams>;

export const pretrainResult = z.strictObject({
  encoder: artifactOf('encoder'),
  epochs: z.int(),
  loss: z.number().describe('mean SupCon loss of the last epoch'),
  bestLoss: z.number(),
  digest: digestSchema.describe('SHA-256 of the whole training state after the last epoch'),
});

export const linearProbeParams = z.strictObject({
  epochs: z.int().min(1).max(10_000).default(100),
  batch: z.int().min(1).max(65536).default(256),
  learningRates: z
    .array(z.number().positive())
    .min(1)
    .max(20)
    .default([0.1, 0.01, 0.001])
    .describe('Adam; the best on validation is kept'),
  weightDecay: z.number().min(0).max(1).default(0),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
});
export type LinearProbeParams = z.infer<typeof linearProbeParams>;

export const linearProbeResult = z.strictObject({
  classifier: artifactOf('classifier'),
  validationTop1: z.number().nullable().describe('null where no validation images were kept'),
  learningRate: z.number(),
});

export const evaluateParams = z.strictObject({
  neighbours: z
    .array(z.int().min(1).max(1000))
    .min(1)
    .max(5)
    .default([20])
    .describe('k of the nearest-neighbour accuracies'),
});
export type EvaluateParams = z.infer<typeof evaluateParams>;

export const evaluateResult = z.strictObject({
  evaluation: artifactOf('evaluation'),
  top1: z.number(),
  top5: z.number(),
  macroF1: z.number(),
  knn: z.number().describe('accuracy of the first k of `neighbours`'),
});

/** A kind of step: what `uses` can name. */
export interface StepKind {
  readonly description: string;
  /** Raised when the same parameters no longer give the same result. */
  readonly version: number;
  readonly params: z.ZodObject;
  readonly result: z.ZodObject;
  /** Artifacts that it takes from the steps it needs, by parameter name. */
  readonly inputs: Readonly<Record<string, ArtifactKind>>;
  /** Artifacts that it makes, by the field of its result. */
  readonly outputs: Readonly<Record<string, ArtifactKind>>;
  /** Runs as a child workflow with an epoch loop instead of one activity. */
  readonly training: boolean;
  /** The task queue of its activities where the pipeline names none. */
  readonly queue: 'cpu' | 'gpu';
}

/** Every kind of step there is. Validation, JSON Schema and documentation come from this table. */
export const stepKinds = {
  'prepare-data': {
    description: 'Read a data set, check every image, split it by class, and store it',
    version: 1,
    params: prepareDataParams,
    result: prepareDataResult,
    inputs: {},
    outputs: { dataset: 'dataset' },
    training: false,
    queue: 'cpu',
  },
  pretrain: {
    description: 'Train an encoder with supervised contrastive loss, one checkpoint an epoch',
    version: 1,
    params: pretrainParams,
    result: pretrainResult,
    inputs: { dataset: 'dataset' },
    outputs: { encoder: 'encoder' },
    training: true,
    queue: 'gpu',
  },
  'linear-probe': {
    description: 'Train a linear softmax classifier on the frozen encoder',
    version: 1,
    params: linearProbeParams,
    result: linearProbeResult,
    inputs: { encoder: 'encoder', dataset: 'dataset' },
    outputs: { classifier: 'classifier' },
    training: false,
    queue: 'gpu',
  },
  evaluate: {
    description: 'Measure the classifier and the embedding on the test images, once',
    version: 1,
    params: evaluateParams,
    result: evaluateResult,
    inputs: { classifier: 'classifier', encoder: 'encoder', dataset: 'dataset' },
    outputs: { evaluation: 'evaluation' },
    training: false,
    queue: 'gpu',
  },
} as const satisfies Record<string, StepKind>;

export type StepKindName = keyof typeof stepKinds;
export const stepKindNames = Object.keys(stepKinds) as readonly StepKindName[];
export const isStepKind = (name: string): name is StepKindName => Object.hasOwn(stepKinds, name);

/** The result of a step of kind K. */
export type StepResult<K extends StepKindName> = z.infer<(typeof stepKinds)[K]['result']>;
