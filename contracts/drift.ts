import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';

/** `about` of a drift artifact: what was compared with what. */
export const driftAboutSchema = z.strictObject({
  recent: artifactRefSchema,
  reference: artifactRefSchema,
  encoder: artifactRefSchema,
  classifier: artifactRefSchema.optional(),
});

/** `too few`: there are not enough images to say either. */
export const driftVerdicts = ['drifted', 'unchanged', 'too few'] as const;

/** The chance of a difference at least as large between two draws of the same images. */
const pValue = z.number().min(0).max(1);
const shareSchema = z.strictObject({ share: z.number(), low: z.number(), high: z.number() });
/** What is measured of an image as the encoder sees it. */
export const lookNames = ['brightness', 'contrast', 'saturation'] as const;
export type LookName = (typeof lookNames)[number];

/** Recent images that are like each other and like no known one. */
const clusterSchema = z.strictObject({
  size: z.int().positive(),
  /** The class of most of their nearest known images, and of which share; null where the reference has no labels. */
  near: z.strictObject({ class: z.string(), share: z.number() }).nullable(),
  /** Cosine to the nearest known image, mean over the cluster. */
  similarity: z.number(),
  /** The image that is most like all others, then those nearest to it, at most 9; a picture is a file of the artifact. */
  images: z.array(z.strictObject({ name: z.string(), picture: z.string().optional() })).min(1),
  /** The known image that is nearest to the first of them. */
  known: z.strictObject({ name: z.string(), label: z.string().optional(), picture: z.string().optional() }),
});
export type NewCluster = z.infer<typeof clusterSchema>;

/** drift.json: how recent images differ from held-out ones of what the encoder was trained on. */
export const driftSchema = z.strictObject({
  verdict: z.enum(driftVerdicts),
  /** Why, in sentences; of `unchanged` what was compared. */
  reasons: z.array(z.string()).min(1),
  /** The chance of `drifted` on unchanged images, and what each of the tests may take of it. */
  falseAlarms: z.number(),
  level: z.number(),
  seed: z.int(),
  images: z.strictObject({
    /** All recent images, and those among them that the reference or the training has too, which are left out. */
    recent: z.int(),
    seen: z.int(),
    /** One of each group, drawn: what the tests compare. */
    compared: z.int(),
    reference: z.int(),
    /** Where the images that were compared with come from; null: of no split. */
    split: z.enum(['validation', 'test']).nullable(),
    /** Known images among which the nearest is looked for. */
    known: z.int(),
  }),
  /** A test of the embeddings as a whole. Null, like the others, where there are too few images. */
  embeddings: z
    .strictObject({
      /** The squared maximum mean discrepancy, unbiased, so it may be below 0. */
      discrepancy: z.number(),
      /** Its root, in deviations of the reference. */
      effect: z.number(),
      p: pValue,
    })
    .nullable(),
  /** Images whose nearest known image is less similar than `threshold`, which held-out images chose. */
  unknown: shareSchema.extend({ threshold: z.number(), expected: z.number(), images: z.int(), p: pValue }).nullable(),
  /** Shares of the predicted classes; the classes that changed most. Null also where no classifier was given. */
  classes: z
    .strictObject({
      /** Half the sum of all changes: the share of images that would have to change their class. */
      distance: z.number(),
      p: pValue,
      count: z.int(),
      listed: z.array(z.strictObject({ class: z.string(), recent: shareSchema, reference: shareSchema })),
    })
    .nullable(),
  looks: z
    .strictObject({
      /** Of the largest of the three. */
      p: pValue,
      of: z.array(
        z.strictObject({
          name: z.enum(lookNames),
          /** Kolmogorov and Smirnov's: the largest distance of the two distribution functions. */
          statistic: z.number(),
          recent: z.number(),
          reference: z.number(),
        }),
      ),
    })
    .nullable(),
  /** Unknown images in clusters, the largest first. */
  news: z
    .strictObject({
      /** Recent images that were looked at, and the unknown among them. */
      images: z.int(),
      unknown: z.int(),
      /** Images of clusters that are too small to be listed, or one too many. */
      others: z.int(),
      clusters: z.array(clusterSchema),
    })
    .nullable(),
});
export type Drift = z.infer<typeof driftSchema>;
export const driftFile = 'drift.json';
