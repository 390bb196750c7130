import { z } from 'zod';

/** Beyond these, float32 has no number but 0 for the learning rate, and none but 1 for a momentum. */
export const minimumLearningRate = 1e-12;
const maximumMomentum = 0.999_999;

const weightDecay = z.number().min(0).max(1).default(0);

export const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('adam'),
    learningRate: z.number().min(minimumLearningRate).max(10).default(0.001),
    beta1: z.number().min(0).max(maximumMomentum).default(0.9),
    beta2: z.number().min(0).max(maximumMomentum).default(0.999),
    epsilon: z.number().min(1e-15).max(1).default(1e-7),
    weightDecay: weightDecay.describe('decoupled from the gradient, as in AdamW'),
  }),
  z.strictObject({
    name: z.literal('sgd'),
    learningRate: z.number().min(minimumLearningRate).max(100).default(0.1),
    momentum: z.number().min(0).max(maximumMomentum).default(0.9),
    nesterov: z.boolean().default(false),
    weightDecay: weightDecay.describe('added to the gradient, as L2 regularisation'),
  }),
]);
export type OptimizerConfig = z.infer<typeof optimizerSchema>;

const warmupEpochs = z.number().min(0).max(1_000_000).describe('epochs of linear warm-up, fractions allowed');

export const scheduleSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('constant'),
    warmupEpochs: warmupEpochs.optional(),
  }),
  z.strictObject({
    name: z.literal('cosine'),
    warmupEpochs: warmupEpochs.default(0),
    finalFraction: z.number().min(0).max(1).default(0).describe('the last learning rate, as a fraction of the first'),
  }),
]);
export type ScheduleConfig = z.infer<typeof scheduleSchema>;
