import { z } from 'zod';
import { range } from './ranges.ts';

const probability = z.number().min(0).max(1);

/** Magnitudes of RandAugment and TrivialAugment, counted from 0. */
export const largestMagnitude = 30;

/** What happens to each view of an image. An operation that is absent, at 0 or false is the identity. */
export const augmentationSchema = z.strictObject({
  flip: probability.default(0.5).describe('probability of a horizontal flip'),
  rotation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('largest rotation either way, as a fraction of a full turn'),
  zoom: z.number().min(0).max(0.9).default(0.1).describe('largest zoom in or out, as a fraction of the side'),
  crop: z
    .strictObject({ minimumArea: z.number().min(0.05).max(1).default(0.2), probability: probability.default(1) })
    .optional()
    .describe('random resized crop, aspect ratio 3/4 to 4/3'),
  jitter: z
    .strictObject({
      brightness: probability.default(0.4),
      contrast: probability.default(0.4),
      saturation: probability.default(0.4),
      hue: z.number().min(0).max(0.5).default(0.1),
      probability: probability.default(0.8),
    })
    .optional(),
  grey: probability.default(0).describe('probability of dropping the colour'),
  blur: z
    .strictObject({
      probability: probability.default(0.5),
      sigma: range(0.05, 32).default([0.1, 2]).describe('standard deviation in pixels of the view'),
    })
    .optional()
    .describe('Gaussian blur, as in SimCLR (arXiv:2002.05709)'),
  equalize: z.strictObject({ probability }).optional().describe('an even histogram in each channel'),
  posterize: z
    .strictObject({ probability, bits: z.int().min(1).max(7).default(4) })
    .optional()
    .describe('keep so many bits of each value'),
  solarize: z
    .strictObject({ probability, threshold: probability.default(0.5).describe('1 is white') })
    .optional()
    .describe('invert what is at least as bright as the threshold, as in BYOL (arXiv:2006.07733)'),
  erase: z
    .strictObject({
      probability: probability.default(0.5),
      area: range(0.001, 1).default([0.02, 0.33]).describe('share of the image'),
    })
    .optional()
    .describe('one rectangle takes the mean colour of the image: random erasing (arXiv:1708.04896)'),
  randAugment: z
    .strictObject({
      operations: z.int().min(1).max(8).default(2).describe('how many operations each view gets, one after the other'),
      magnitude: z.int().min(0).max(largestMagnitude).default(9).describe('how strong all of them are'),
    })
    .optional()
    .describe('operations drawn for each view (arXiv:1909.13719)'),
  trivialAugment: z
    .boolean()
    .optional()
    .describe('one operation drawn for each view, of a magnitude that is drawn too (arXiv:2103.10158)'),
});
export type AugmentationConfig = z.infer<typeof augmentationSchema>;

export const augmentationNames = ['tutorial', 'simclr', 'photos', 'none'] as const;

const simclr: AugmentationConfig = {
  flip: 0.5,
  rotation: 0,
  zoom: 0,
  crop: { minimumArea: 0.2, probability: 1 },
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8 },
  grey: 0.2,
};

/** The recipes that have a name. */
export const augmentationRecipes: Readonly<Record<(typeof augmentationNames)[number], AugmentationConfig>> = {
  tutorial: { flip: 0.5, rotation: 0.1, zoom: 0.1, grey: 0 },
  simclr,
  /** SimCLR's with its blur, which is for images of some size; the values of MoCo v2 (arXiv:2003.04297). */
  photos: { ...simclr, blur: { probability: 0.5, sigma: [0.1, 2] } },
  none: { flip: 0, rotation: 0, zoom: 0, grey: 0 },
};
