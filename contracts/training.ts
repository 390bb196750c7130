import { z } from 'zod';
import { type AugmentationConfig, augmentationNames, augmentationRecipes, augmentationSchema } from './augmentation.ts';
import { perClassSchema } from './balanced.ts';
import { byName } from './by-name.ts';
import { fineTuningSettings } from './fine-tuning.ts';
import { initialWeightsSchema } from './initial-weights.ts';
import { lossSchema } from './losses.ts';
import { normaliseSchema } from './normalise.ts';
import { optimizerSchema, scheduleSchema } from './optimizer.ts';
import { range } from './ranges.ts';
import { seedSchema } from './seed.ts';

/** Which network turns an image into an embedding. */
export const encoderSchema = z.discriminatedUnion('name', [
  z
    .strictObject({
      name: z.literal('resnet50v2'),
      stem: z
        .enum(['imagenet', 'cifar'])
        .default('imagenet')
        .describe('7x7 stride 2 with pooling as in Keras, or 3x3 stride 1 for small images'),
    })
    .describe("Keras's ResNet50V2 with global average pooling: 23,564,800 parameters, a 2048-dimensional embedding"),
  z
    .strictObject({
      name: z.literal('small-resnet'),
      channels: z
        .int()
        .min(4)
        .max(256)
        .default(16)
        .describe('channels of the first stage; doubled in each later stage'),
      blocks: z
        .array(z.int().min(1).max(16))
        .min(1)
        .max(5)
        .default([2, 2, 2])
        .describe('residual blocks in each stage'),
      stemStride: z
        .union([z.literal(1), z.literal(2)])
        .optional()
        .describe(
          '2 halves the side before the first stage, which takes a quarter of the time: for images of 64 pixels and more; 1 where absent',
        ),
    })
    .describe('A small pre-activation ResNet for CPUs'),
  z
    .strictObject({ name: z.literal('resnet50') })
    .describe(
      "torchvision's and timm's ResNet-50 v1.5, the stride in the 3x3 convolution: 23,561,152 parameters, a 2048-dimensional embedding",
    ),
  z
    .strictObject({
      name: z.literal('convnext'),
      size: z
        .enum(['tiny', 'small', 'base'])
        .default('tiny')
        .describe('embeddings of 768 (tiny and small) or 1024 numbers'),
    })
    .describe("timm's ConvNeXt (arXiv:2201.03545), for images of 32 pixels and more"),
  z
    .strictObject({
      name: z.literal('vit'),
      size: z.enum(['small', 'base']).default('small').describe('embeddings of 384 or 768 numbers'),
      patch: z
        .union([z.literal(14), z.literal(16)])
        .default(16)
        .describe('side of a patch in pixels, of which the sides of the images must be multiples'),
      registers: z
        .union([z.literal(0), z.literal(4)])
        .default(0)
        .describe('register tokens; with them, the class token has no position embedding'),
      layerScale: z
        .boolean()
        .optional()
        .describe(
          "factors of each residual branch, as in DINOv2; absent: with patches of 14, as timm's models have it",
        ),
      grid: z
        .int()
        .min(1)
        .max(256)
        .optional()
        .describe(
          'patches along a side that the position embedding is for, resampled to those of the images: 37 for weights of DINOv2; absent: the patches of the images',
        ),
    })
    .describe(
      "timm's vision transformer, with patches of 14 in the layout of DINOv2; the embedding is the class token",
    ),
  z
    .strictObject({
      name: z.literal('mobilenetv3'),
      size: z.enum(['small', 'large']).default('large').describe('embeddings of 1024 or 1280 numbers'),
    })
    .describe("timm's MobileNetV3 (arXiv:1905.02244), for CPUs"),
]);
export type EncoderConfig = z.infer<typeof encoderSchema>;

const encoderNames = ['resnet50v2', 'small-resnet', 'resnet50', 'convnext', 'vit', 'mobilenetv3'] as const;

const headSchema = z.strictObject({
  hidden: z.int().min(0).max(8192).default(512).describe('units of the hidden layer; 0: there is none, as in `linear`'),
  output: z.int().min(2).max(4096).default(128),
});

/** The projection head; without one the loss sees the embedding. */
export const projectionSchema = z.union([
  z.literal('none'),
  z.literal('linear').transform(() => headSchema.parse({ hidden: 0 })),
  headSchema,
]);
export type ProjectionConfig = z.infer<typeof projectionSchema>;

const crossEntropySchema = z.strictObject({
  crossEntropy: z.strictObject({
    labelSmoothing: z.number().min(0).lt(1).default(0).describe('share of the target that is spread over all classes'),
  }),
});

export const checkpointSchema = z.strictObject({
  keep: z
    .strictObject({
      last: z.int().min(2).max(1000).default(2),
      best: z.int().min(0).max(100).default(1),
      every: z.int().min(1).optional(),
    })
    .prefault({})
    .describe('which checkpoints to keep: the last, those with the lowest loss, and every so many epochs'),
  everySteps: z.int().min(1).optional().describe('also checkpoint within an epoch, every so many steps'),
  everyMinutes: z
    .number()
    .positive()
    .default(5)
    .describe('also checkpoint within an epoch that runs for longer than this'),
});

/** An encoder by its name, or with its settings. */
export const encoderSetting = byName(encoderNames, encoderSchema);

/** What every training has, whatever its loss. */
const commonSettings = {
  encoder: encoderSetting.prefault('resnet50v2'),
  initialWeights: initialWeightsSchema.optional().describe('start the encoder from these weights'),
  normalise: normaliseSchema
    .optional()
    .describe(
      'what is subtracted from pixels between 0 and 1, and what that is divided by: mean and deviation of the training images; those of ImageNet; 0.5 and 0.5; or numbers for all channels or for each. Weights from elsewhere expect what they were trained with; absent: dataset',
    ),
  augmentation: z
    .union([
      z.enum(augmentationNames).transform((name): AugmentationConfig => augmentationRecipes[name]),
      augmentationSchema,
    ])
    .prefault('tutorial'),
  optimizer: byName(['adam', 'sgd'], optimizerSchema).prefault('adam'),
  schedule: byName(['constant', 'cosine'], scheduleSchema).prefault('constant'),
  batch: z.int().min(2).max(65536).default(128).describe('images in a step'),
  microbatch: z
    .int()
    .min(1)
    .max(65536)
    .optional()
    .describe(
      'images that pass through the network at once; a divisor of batch, for batches that do not fit the memory',
    ),
  syncBatchNorm: z
    .boolean()
    .optional()
    .describe(
      'batch normalisation by the statistics of the whole batch, though it passes in parts (microbatch); all activations of the batch are then in memory, on as many GPUs as there are replicas; absent: each part by its own',
    ),
  sampler: z
    .strictObject({
      balanced: z
        .strictObject({
          perClass: perClassSchema,
          within: z
            .enum(['category', 'confused'])
            .optional()
            .describe(
              'which classes come together in a batch: those of one category, or those that the epoch before confused; absent: any',
            ),
        })
        .describe(
          'batch / perClass classes in each batch, drawn at random, and of each as many images; with fewer classes, all of them, and a smaller batch',
        ),
    })
    .optional()
    .describe('how batches are drawn; absent: from all images alike'),
  epochs: z.int().min(1).max(1_000_000).default(20),
  minimumSteps: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('of an epoch: where the images make fewer batches, they are gone through several times'),
  engine: z
    .enum(['graph', 'eager'])
    .default('graph')
    .describe('run each step as one captured graph, or operation by operation for debugging'),
  precision: z
    .enum(['float32', 'bfloat16', 'float16'])
    .default('float32')
    .describe(
      'type of convolutions and what lies between them; variables, statistics and the loss stay float32. float16 scales the loss',
    ),
  ...fineTuningSettings,
  seed: seedSchema,
};

/** Where the training images are while a step runs. It decides how fast a training is and what memory it takes, and no number. */
export const dataSchema = z.strictObject({
  residentMiB: z
    .int()
    .min(0)
    .default(1024)
    .describe(
      'training images of up to so many MiB are kept in memory; larger sets are read from the store, batch by batch',
    ),
  readAhead: z
    .int()
    .min(0)
    .max(64)
    .default(2)
    .describe('batches that are read in advance where the images are not kept in memory'),
  threads: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('threads that decode images of data sets that keep files; absent: as many as there are cores'),
});
export type DataConfig = z.infer<typeof dataSchema>;

/** How many parts of a batch pass through the network side by side, each on a GPU of its own. It decides how fast a training is, and no number. */
export const replicasSchema = z
  .union([z.int().min(1).max(64), z.literal('auto')])
  .describe(
    'GPUs that parts of a batch (microbatch) pass through the network on side by side; divides the number of parts. auto: as many as there are and can be used. They decide how fast a training is, and no number; absent: 1',
  );

export type ReplicasSetting = z.infer<typeof replicasSchema>;

/** Everything that decides the numbers of a contrastive training: a changed value makes a different run. */
export const trainingConfigSchema = z.strictObject({
  ...commonSettings,
  projection: projectionSchema
    .prefault({})
    .describe('what the loss looks through; none: it sees the embedding; linear: one layer'),
  loss: lossSchema.prefault({ supcon: {} }),
  multiCrop: z
    .strictObject({
      views: z.int().min(1).max(16).default(4).describe('small views of each image'),
      size: z.int().min(8).max(511).describe('their side in pixels, less than that of the images'),
      area: range(0.01, 1).default([0.05, 0.14]).describe('share of the image that a small view shows'),
    })
    .optional()
    .describe('small views of each image besides the two of full size, as in SwAV (arXiv:2006.09882)'),
});
export type ContrastiveConfig = z.infer<typeof trainingConfigSchema>;

/** The same for a training of encoder and classifier together, by cross-entropy. */
export const classifierConfigSchema = z.strictObject({
  ...commonSettings,
  loss: crossEntropySchema.prefault({ crossEntropy: {} }),
  views: z
    .union([z.literal(1), z.literal(2)])
    .default(1)
    .describe('augmented views of each image in a step; 2 shows the network as many images as SupCon does'),
});
export type ClassifierConfig = z.infer<typeof classifierConfigSchema>;

export type TrainingConfig = ContrastiveConfig | ClassifierConfig;

/** Whether an encoder is pretrained, by whatever loss, and not a classifier. */
export const isContrastive = (config: TrainingConfig): config is ContrastiveConfig => !('crossEntropy' in config.loss);

/** What the loss of a training goes by. */
export const positivesOf = (config: TrainingConfig): 'class' | 'any' | 'share' =>
  (isContrastive(config) ? config.loss.supcon?.positives : undefined) ?? 'class';

/** Whether that is the further labels of images, not their classes. */
export const goesByLabels = (config: TrainingConfig): boolean => positivesOf(config) !== 'class';

/** How many views of each image a step sees: of full size, and small ones. */
export const viewCounts = (config: TrainingConfig): { readonly full: number; readonly small: number } =>
  isContrastive(config) ? { full: 2, small: config.multiCrop?.views ?? 0 } : { full: config.views, small: 0 };
