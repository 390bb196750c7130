import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { vectorsAboutSchema } from './vectors.ts';

/** How an index is searched: by all products, or along a graph of near vectors (HNSW; Malkov and Yashunin, arXiv:1603.09320). */
export const indexMethodSchema = z.enum(['exact', 'approximate']);
export type IndexMethod = z.infer<typeof indexMethodSchema>;

/**
 * `about` of an `index` artifact: vectors of one encoder to be searched by cosine similarity, with what is known of each row.
 * An index is never changed; adding to it, or removing from it, makes another one that names it as its `parent`.
 */
export const indexAboutSchema = z.strictObject({
  encoder: artifactRefSchema,
  dimension: z.int().positive(),
  count: z.int().nonnegative(),
  method: indexMethodSchema,
  /** The file of the graph, by USearch, whose keys are rows; absent for `exact`. */
  graph: z
    .strictObject({
      file: z.string(),
      connectivity: z.int(),
      expansionAdd: z.int(),
      expansionSearch: z.int(),
      quantization: z.enum(['f32', 'f16', 'i8']),
    })
    .optional(),
  /** Share of the true k nearest that a search finds, on queries that were drawn from the rows; 1 for `exact`. */
  recall: z.strictObject({ k: z.int(), value: z.number(), queries: z.int() }),
  /** As in a `vectors` artifact; `vectors` hold rows of unit length. */
  shards: vectorsAboutSchema.shape.shards,
  /** The index that it was made of, and what was changed; absent where it was built anew. */
  parent: z.strictObject({ index: artifactRefSchema, added: z.int(), removed: z.int() }).optional(),
});
export type IndexAbout = z.infer<typeof indexAboutSchema>;
