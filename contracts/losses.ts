import { z } from 'zod';
import { isMapping, type Json } from './json.ts';

/** The losses that an encoder can be pretrained with, each with its settings. `crossEntropy`, of a classifier, is not one of them. */
const temperature = z.number().min(1e-4).max(10).default(0.05);

const supconSchema = z.strictObject({
  temperature,
  scale: z
    .enum(['none', 'temperature', 'base'])
    .default('none')
    .describe('multiply the loss by nothing, by the temperature, or by temperature / 0.07'),
  variant: z
    .enum(['out', 'in'])
    .optional()
    .describe('whether the mean over the positives is outside of the logarithm (L_out) or inside (L_in); absent: out'),
  hardNegatives: z
    .strictObject({ beta: z.number().min(0).max(100).default(1).describe('0 weighs all negatives alike') })
    .optional()
    .describe('weigh each negative by exp(beta * similarity / temperature), relative to the mean of these'),
  positives: z
    .enum(['class', 'any', 'share'])
    .optional()
    .describe(
      'the positives of an image: the images of its class; those that share any of the further labels of the data set; or these, weighted by the share of the labels that are equal; absent: class',
    ),
  queue: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(0)
    .describe('also contrast with so many projections of earlier steps, for small batches'),
});
export type SupconSettings = z.infer<typeof supconSchema>;

const lossSettings = {
  supcon: supconSchema.describe('supervised contrastive learning (arXiv:2004.11362)'),
  nPairs: z
    .strictObject({ temperature })
    .describe("N-pairs (NeurIPS 2016) on normalised projections, as in Keras's tutorial"),
  normalisedSoftmax: z
    .strictObject({ temperature })
    .describe('softmax over learned vectors of the classes, all of length 1 (arXiv:1811.12649)'),
  arcFace: z
    .strictObject({
      margin: z.number().min(0).max(1.5).default(0.5).describe('added to the angle to the own class, in radians'),
      scale: z.number().min(1).max(1000).default(64),
    })
    .describe('the same with an additive angular margin (arXiv:1801.07698)'),
  triplet: z
    .strictObject({
      margin: z
        .union([z.literal('soft'), z.number().min(0.001).max(2)])
        .default(0.2)
        .describe('of Euclidean distances, which are from 0 to 2; soft: ln(1 + exp(difference)) without a margin'),
    })
    .describe('triplets of each image with its farthest positive and nearest negative in the batch (arXiv:1703.07737)'),
  multiSimilarity: z
    .strictObject({
      alpha: z.number().min(0.01).max(1000).default(2).describe('how steeply positives are weighed'),
      beta: z.number().min(0.01).max(1000).default(50).describe('how steeply negatives are weighed'),
      base: z.number().min(-1).max(1).default(0.5).describe('the similarity that both are measured from'),
      epsilon: z
        .number()
        .min(0)
        .max(2)
        .default(0.1)
        .describe('pairs that are easier than the hardest of the other kind by more than this are left out'),
    })
    .describe('multi-similarity with its mining of pairs (arXiv:1904.06627)'),
};

export type LossName = keyof typeof lossSettings;
export const lossNames = Object.keys(lossSettings) as LossName[];

const one = `must be one of ${lossNames.join(', ')}, such as { supcon: {} }`;
const lossOfSettings = z
  .strictObject(lossSettings)
  .partial()
  .refine((loss) => lossNames.filter((name) => loss[name] !== undefined).length === 1, one)
  .meta({ minProperties: 1, maxProperties: 1 });
export type LossConfig = z.infer<typeof lossOfSettings>;

/** One loss with its settings; its name alone takes their defaults. */
export const lossSchema = z.union([
  z.enum(lossNames).transform((name): LossConfig => lossOfSettings.parse({ [name]: {} })),
  lossOfSettings,
]);

/** A loss by its name, for code that has a case for each. */
export type NamedLoss = {
  readonly [Name in LossName]: { readonly name: Name; readonly settings: z.infer<(typeof lossSettings)[Name]> };
}[LossName];

/** The loss that a config names. */
export function namedLoss(loss: LossConfig): NamedLoss {
  const name = lossNames.find((each) => loss[each] !== undefined);
  if (name === undefined) throw new Error('a loss has a name');
  return { name, settings: loss[name] } as NamedLoss;
}

/** What a person calls each loss. `crossEntropy` is that of a classifier. */
export const lossTitles: Readonly<Record<LossName | 'crossEntropy', string>> = {
  supcon: 'SupCon',
  nPairs: 'N-pairs',
  normalisedSoftmax: 'normalised softmax',
  arcFace: 'ArcFace',
  triplet: 'triplet',
  multiSimilarity: 'multi-similarity',
  crossEntropy: 'cross-entropy',
};

/** What a person calls the loss that the parameters of a training name; null where they name none that is known. */
export function titleOfLoss(parameters: Readonly<Record<string, Json | undefined>>): string | null {
  const { loss } = parameters;
  const name = typeof loss === 'string' ? loss : isMapping(loss) ? (Object.keys(loss)[0] ?? '') : '';
  return Object.hasOwn(lossTitles, name) ? lossTitles[name as keyof typeof lossTitles] : null;
}

/** Losses that learn a vector for each class. They need no two images of a class, and their state grows with the classes. */
export const learnsClasses = (name: LossName): boolean => name === 'normalisedSoftmax' || name === 'arcFace';

/** Classes that such a loss may have: a batch of 1,024 views is compared with all of them at once, in 256 MiB. */
export const mostLearnedClasses = 65_536;
