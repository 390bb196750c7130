import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { stepKeySchema } from './identifiers.ts';

/** `about` of an inspection artifact: what was looked at, and the encoder and the training that looked, where one did. */
export const inspectionAboutSchema = z.object({
  dataset: artifactRefSchema,
  encoder: artifactRefSchema.optional(),
  training: stepKeySchema.optional(),
});

/** The split of an image. */
const splitSchema = z.string();
const imageSchema = z.strictObject({
  split: splitSchema,
  row: z.int().nonnegative(),
  /** Its file, where the data set tells; else split and row. */
  name: z.string(),
  /** Its class, a place in `classes`. */
  label: z.int().nonnegative(),
});
export type InspectedImage = z.infer<typeof imageSchema>;

/** What makes two images duplicates, the surest first. */
export const duplicateKinds = ['exact', 'near', 'embedding'] as const;
export type DuplicateKind = (typeof duplicateKinds)[number];

/** Two images that are one. */
export const duplicatePairSchema = z.strictObject({
  kind: z.enum(duplicateKinds),
  /** 1 for copies; the correlation of the pixels of near duplicates; the cosine of embeddings. */
  likeness: z.number(),
  a: imageSchema,
  b: imageSchema,
});
export type DuplicatePair = z.infer<typeof duplicatePairSchema>;

const leftOutSchema = z.strictObject({ classes: z.int(), images: z.int() });

const suspectSchema = imageSchema.extend({
  /** The class that it is probably of. */
  suggested: z.int().nonnegative(),
  /** Probability of that class, and of the label, from a classifier that did not see the image. */
  confidence: z.number(),
  ownConfidence: z.number(),
  /** Whether the loss of kept checkpoints suspects it too; absent where no training was given. */
  byLoss: z.boolean().optional(),
});
export type LabelSuspect = z.infer<typeof suspectSchema>;

const lossSuspectSchema = imageSchema.extend({
  /** The class that most of its neighbours have, and the share of their votes. */
  suggested: z.int().nonnegative(),
  votes: z.number(),
  /** How much nearer, in cosine, the images of its label are on average than those of the nearest other class: mean over checkpoints. */
  margin: z.number(),
  /** Of its class: below which a label is suspected. */
  limit: z.number(),
  /** Whether the classifiers of the folds suspect it too. */
  byClassifiers: z.boolean(),
});
export type LossSuspect = z.infer<typeof lossSuspectSchema>;

const classCountSchema = z.strictObject({ class: z.string(), images: z.int() });

/** inspection.json: what is odd about a data set. Lists are cut at the `listed` of the step; counts are of all. */
export const inspectionSchema = z.strictObject({
  dataset: z.string(),
  classes: z.array(z.string()),
  seed: z.int(),
  /** What images were compared by where their content counts. */
  embedding: z.enum(['encoder', 'pixels']),
  images: z.array(z.strictObject({ split: splitSchema, images: z.int() })),
  duplicates: z.strictObject({
    /** Images of `split` that have a duplicate of this kind, and of none before it, in `alsoIn`. */
    found: z.array(
      z.strictObject({ kind: z.enum(duplicateKinds), split: splitSchema, alsoIn: splitSchema, images: z.int() }),
    ),
    /** Each image with the one that is most like it; pairs across splits first. */
    pairs: z.array(duplicatePairSchema),
    /** Images of one colour, of which a hash says nothing. */
    blank: z.int(),
    /** Images so like so many others that they were compared with some of these only. */
    cutShort: z.int(),
  }),
  suspects: z.strictObject({
    folds: z.int(),
    /** Of the folds' classifiers on what they did not see; null where no class has two images. */
    accuracy: z.number().nullable(),
    /** Classes of one image, which no classifier can know that did not see it. */
    leftOut: leftOutSchema,
    count: z.int(),
    /** Which class is taken for which, the most images first, at most 100. */
    confused: z.array(z.strictObject({ label: z.int(), suggested: z.int(), images: z.int() })),
    /** The surest first. */
    listed: z.array(suspectSchema),
    /** Those among the training images by the loss of a training's kept checkpoints; absent where no training was given. */
    byLoss: z
      .strictObject({
        training: stepKeySchema,
        /** Whose checkpoints were measured. */
        epochs: z.array(z.int()),
        /** Images whose label was judged, and classes of too few images to say. */
        judged: z.int(),
        leftOut: leftOutSchema,
        count: z.int(),
        /** Of them, suspected by the classifiers as well. */
        both: z.int(),
        /** Those that are suspected both ways first, then the surest. */
        listed: z.array(lossSuspectSchema),
      })
      .optional(),
  }),
  outliers: z.strictObject({
    neighbours: z.int(),
    /** Classes of too few images to say what is far. */
    leftOut: leftOutSchema,
    count: z.int(),
    /** The farthest first. `distance`: of embeddings of length 1; `limit`: beyond which one is an outlier of its class. */
    listed: z.array(imageSchema.extend({ distance: z.number(), limit: z.number() })),
  }),
  /** Classes that may be one, at most 100. */
  alike: z.array(
    z.strictObject({
      a: z.string(),
      b: z.string(),
      /** Their names differ in case, width, separators or a plural s only. */
      names: z.boolean(),
      /** Share of their images that classifiers take for the other class; null where they were not asked. */
      confused: z.number().nullable(),
      /** Cosine of the means of their images. */
      centroids: z.number(),
    }),
  ),
  balance: z.strictObject({
    largest: classCountSchema,
    smallest: classCountSchema,
    median: z.number(),
    /** How many classes have less than a tenth of the median, and the smallest of them, at most 100. */
    small: z.int(),
    smallClasses: z.array(classCountSchema),
  }),
});
export type Inspection = z.infer<typeof inspectionSchema>;
export const inspectionFile = 'inspection.json';
/** To be edited by a person: `image`, `label`, `suggested`, `confidence`, `note`; and `found`, by what, where a training was given. */
export const relabelsFile = 'relabels.csv';
/**
 * Every image of a split other than train that has a duplicate in train, all [leaks], in the order of the rows, each named by its split
 * (`test.rows`): `rows` I32 of the split, `kinds` I32 (the surest, its place in `duplicateKinds`), `trainRows` I32 (the image of train that is
 * most like it), `likeness` F32. Inspections of version 1 lack the file.
 */
export const leaksFile = 'leaks.safetensors';
