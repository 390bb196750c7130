import { z } from 'zod';
import { artifactRefSchema, splitNameSchema, splitText } from './artifacts.ts';
import { leaksSchema } from './leaks.ts';

/** Some images of a data set: a split, or those of one category of it. */
export const selectionSchema = z.strictObject({
  split: splitNameSchema.describe('which images'),
  category: z
    .string()
    .min(1)
    .max(400)
    .optional()
    .describe('of them those of this category, such as the shop that they come from; all where absent'),
});
export type Selection = z.infer<typeof selectionSchema>;

/** Whether a search is among the images of one selection. */
export const isAmong = (query: Selection, gallery: Selection): boolean =>
  query.split === gallery.split && query.category === gallery.category;

/** `about` of a retrieval artifact: the encoder that was measured, and on what. */
export const retrievalAboutSchema = z.object({
  encoder: artifactRefSchema,
  dataset: artifactRefSchema,
  /** What said which queries leak, where one was named. */
  inspection: artifactRefSchema.optional(),
});

/** The measures in brief, on some of the queries; null where there are none. */
const briefSchema = z.strictObject({
  queries: z.int(),
  recallAt1: z.number().nullable(),
  mapAtR: z.number().nullable(),
});

/** A mean over queries with its 95 % interval; null where there are no queries, or too few for an interval. */
const estimateSchema = z.strictObject({
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const pairsSchema = z.strictObject({ same: z.int(), different: z.int() });
const testSelection: Selection = { split: 'test' };

/** How well images of classes that were never trained on are told from those of the others, on some images of both. */
const unknownSchema = z.strictObject({
  images: z.strictObject({ known: z.int(), unseen: z.int() }),
  /** Chance that an image of a trained class has a nearer training image than one of an unseen class. */
  auroc: z.number().nullable(),
  /**
   * The same, where the nearest training image of the first is of its class as well: the area under the curve of the correct
   * classification rate over the false positive rate (OSCR; Dhamija et al. 2018, arXiv:1811.04110).
   */
  oscr: z.number().nullable(),
  /** Share of the images of trained classes that the threshold calls unknown; null without a threshold. */
  knownRefused: z.number().nullable(),
  /** Share of the images of unseen classes that it calls unknown. */
  unseenRefused: z.number().nullable(),
});
export type Unknown = z.infer<typeof unknownSchema>;

/** retrieval.json: what a search for the images of one selection finds among those of another, or among themselves. */
export const retrievalSchema = z.strictObject({
  dataset: z.string(),
  /** What is searched for, and among what. */
  query: selectionSchema.default(testSelection),
  gallery: selectionSchema.default(testSelection),
  /** What images were compared by; absent: the embedding. */
  of: z.literal('projection').optional(),
  /** All images of `query`. */
  images: z.int(),
  /** All images of `gallery`; absent in results of version 1, where they are those of `query`. */
  galleryImages: z.int().optional(),
  /** Images of `query` whose class has no other image in the gallery: for them there is nothing to find. */
  lone: z.int().optional(),
  /** The others, without those that leak unless these are kept: what the measures are means of. */
  queries: z.int(),
  /** Classes that have queries. */
  classes: z.int(),
  /** Of the intervals. */
  seed: z.int(),
  /** What is drawn anew for the intervals: whole classes, or, where there are few, single queries. */
  resampled: z.enum(['classes', 'queries']),
  /** Share of queries with one of their class among the k nearest; also called CMC@k. */
  recallAt: z.array(estimateSchema.extend({ k: z.int() })),
  rPrecision: estimateSchema,
  mapAtR: estimateSchema,
  ndcg: estimateSchema,
  /** The measures on all queries. Absent in results of versions before 3. */
  all: briefSchema.optional(),
  /** The measures on those that do not leak. Absent where nothing tells. */
  clean: briefSchema.optional(),
  /** Queries that leak, each counted once, copies first: `exact` counts those of the gallery and of training. Absent where nothing tells. */
  leaks: leaksSchema.optional(),
  /**
   * Queries that find a copy: of the same bytes or the same prepared pixels as another image of the gallery, or as a training image.
   * Null where the data sets do not tell.
   */
  copies: z
    .strictObject({
      /** Queries that have an exact copy in the gallery. */
      inGallery: z.int(),
      /** Queries that are exact copies of images that the encoder was trained on. */
      ofTraining: z.int(),
      /** Queries that are either. */
      images: z.int(),
      /** What is measured with them, in results of version 2. */
      with: briefSchema.optional(),
    })
    .nullable()
    .default(null),
  /** Classes with the lowest recall at 1, the lowest first, at most 100. */
  worst: z.array(z.strictObject({ name: z.string(), queries: z.int(), recallAt1: z.number(), mapAtR: z.number() })),
  /** Of the queries of each category, the lowest recall first, at most 100; empty where images have none. */
  categories: z
    .array(z.strictObject({ name: z.string(), queries: z.int(), recallAt1: estimateSchema, mapAtR: estimateSchema }))
    .default([]),
  /** Two images are taken for one class where their similarity reaches a threshold. Copies are among the pairs. */
  verification: z.strictObject({
    pairs: pairsSchema,
    equalErrorRate: z.number().nullable(),
    /** At most 201 points: shares of pairs of different classes, and of one class, that are accepted. */
    roc: z.array(z.strictObject({ falsePositives: z.number(), truePositives: z.number() })),
    /** The threshold that validation images chose for a share of false accepts, and what it does here; null without validation pairs. */
    chosen: z
      .strictObject({
        wanted: z.number(),
        /** The split that chose; absent in results of version 1, where it is `validation`. */
        chosenOn: splitNameSchema.optional(),
        validationPairs: pairsSchema,
        threshold: z.number(),
        falseAccepts: z.number().nullable(),
        trueAccepts: z.number().nullable(),
      })
      .nullable(),
  }),
  /**
   * Whether an image is of a class that was trained on: it is called unknown where no training image is as similar as a threshold.
   * Null where no class is held out for the test, or where a category was searched.
   */
  unknown: z
    .strictObject({
      /** On the images of trained classes in `test`, and those of `unseenTest`. */
      test: unknownSchema,
      /** On those of `validation` and of `unseenValidation`, to choose by; null where either has none. */
      validation: unknownSchema.nullable(),
      /** At most so large a share of the validation images of trained classes is called unknown by the threshold. */
      wanted: z.number(),
      /** A cosine similarity; null without validation images. */
      threshold: z.number().nullable(),
    })
    .nullable()
    .default(null),
});
export type Retrieval = z.infer<typeof retrievalSchema>;
export const retrievalFile = 'retrieval.json';

/**
 * Of each query, also of those that leak, all [queries]: `rows` I32 of its split, `labels` I32, `first` I32 (the place of the first image of its
 * class), `mapAtR` F32, `leftOut` I32 (0 where the measures are of it, else 1 more than the place of its kind of leak in `duplicateKinds`). Results of
 * version 2 have `copies` I32 in its place (1 where it finds a copy), those of version 1 lack the file.
 */
export const queriesFile = 'queries.safetensors';

/** What a search is for, in words: `unseen test images, each among all the others`. */
export function searchText({ query, gallery, of: compared }: Pick<Retrieval, 'query' | 'gallery' | 'of'>): string {
  const of = ({ split, category }: Selection) =>
    `${splitText(split)} images${category === undefined ? '' : ` of ${category}`}`;
  const text = isAmong(query, gallery)
    ? `${of(query)}, each among all the others`
    : `${of(query)} among ${of(gallery)}`;
  return compared === undefined ? text : `${text}, by their projections`;
}
