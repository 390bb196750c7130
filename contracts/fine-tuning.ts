import { z } from 'zod';

/** How gently a training treats weights that it was given. Each is absent from the config where a pipeline does not name it. */
export const fineTuningSettings = {
  freeze: z
    .union([
      z.literal('all'),
      z.strictObject({ until: z.string().min(1).describe('the last stage of the encoder that is not trained') }),
    ])
    .optional()
    .describe(
      'what of the encoder is not trained: all of it, or its stages from the input up to one, itself included. Batch normalisation there uses its moving statistics, which stay as they are',
    ),
  layerDecay: z
    .number()
    .min(0.01)
    .max(1)
    .optional()
    .describe(
      'the learning rate of a stage is multiplied by this once for each stage of the encoder after it; the last stage and the head have the full rate (BEiT, arXiv:2106.08254)',
    ),
  dropPath: z
    .number()
    .min(0)
    .max(0.9)
    .optional()
    .describe(
      'stochastic depth (arXiv:1603.09382): probability with which an image skips the last residual block; it falls evenly to 0 at the first one',
    ),
  ema: z
    .strictObject({
      decay: z
        .number()
        .min(0)
        .max(0.999_999)
        .default(0.9999)
        .describe('share of the average that is kept at each step; less in the first ones: (1 + t) / (10 + t) after t'),
    })
    .optional()
    .describe('take the encoder from an exponential moving average of the weights'),
  clip: z
    .strictObject({
      norm: z.number().min(1e-6).max(1e6).default(1).describe('the largest norm of all gradients together'),
    })
    .optional()
    .describe('scale the gradients down where they are longer than this (arXiv:1211.5063)'),
};

const freezeSchema = fineTuningSettings.freeze;
export type FreezeConfig = NonNullable<z.infer<typeof freezeSchema>>;

/** What is wrong with a stage that is not one of an encoder, after the name of the parameter. */
export const describeUnknownStage = (encoder: string, stage: string, stages: readonly string[]): string =>
  `must be a stage of ${encoder} (${stages.join(', ')}), not ${JSON.stringify(stage)}`;
