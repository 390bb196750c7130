import { z } from 'zod';
import { checkBalanced, perClassSchema } from '../balanced.ts';
import { adapterSchema } from '../encoder.ts';
import { minimumLearningRate } from '../optimizer.ts';
import { seedSchema } from '../seed.ts';
import { artifactOf, type StepKind } from './kind.ts';

export const adaptParameters = z
  .strictObject({
    adapter: adapterSchema.prefault({}),
    temperature: z.number().min(1e-4).max(10).default(0.1),
    dropout: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe('share of its values that each of two views of an embedding lacks; 0: one view, whole'),
    batch: z.int().min(2).max(65536).default(512).describe('images in a step'),
    sampler: z
      .strictObject({
        balanced: z.strictObject({
          perClass: perClassSchema,
        }),
      })
      .optional()
      .describe('how batches are drawn; absent: from all images alike'),
    epochs: z.int().min(1).max(100_000).default(50),
    learningRate: z
      .number()
      .min(minimumLearningRate)
      .max(10)
      .default(0.001)
      .describe('of Adam; it falls to 0 along half a cosine'),
    weightDecay: z.number().min(0).max(1).default(0).describe('decoupled from the gradient, as in AdamW'),
    seed: seedSchema,
  })
  .superRefine(checkBalanced(true));
export type AdaptParameters = z.infer<typeof adaptParameters>;

export const adaptResult = z.strictObject({
  encoder: artifactOf('encoder'),
  loss: z.number().describe('mean SupCon loss of the last epoch'),
  images: z.int().describe('training images'),
});

export const adapt = {
  description: 'Train a small layer on the embeddings of a frozen encoder, by supervised contrastive loss',
  version: 1,
  parameters: adaptParameters,
  result: adaptResult,
  inputs: { embeddings: 'embeddings' },
  outputs: { encoder: 'encoder' },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
