import { z } from 'zod';
import { artifactRefSchema, digestSchema } from './artifacts.ts';
import { errorCodes } from './errors.ts';
import { countsItsRows, wrongCount } from './row-counts.ts';
import { vectorsAboutSchema } from './vectors.ts';

/** How an index is searched: by all products, or along a graph of near vectors (HNSW; Malkov and Yashunin, arXiv:1603.09320). */
export const indexMethodSchema = z.enum(['exact', 'approximate']);
export type IndexMethod = z.infer<typeof indexMethodSchema>;

/** What a graph keeps of each number of a vector: 4, 2 or 1 bytes. */
export const quantizationSchema = z.enum(['f32', 'f16', 'i8']);
export type Quantization = z.infer<typeof quantizationSchema>;

/** How an index is made; what is added to it, or removed, follows the same settings. */
export const indexSettings = {
  method: z
    .enum(['auto', ...indexMethodSchema.options])
    .describe('how it is searched: exact, approximate, or auto, which is exact up to 20,000 images; auto where absent')
    .default('auto'),
  minimumRecall: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'share of the 10 nearest that an approximate search must find; the search is widened until it does, and the step fails where that does not help; 0.95 where absent',
    )
    .default(0.95),
  quantization: quantizationSchema
    .describe('what an approximate index keeps of each number: 4, 2 or 1 bytes; f16 where absent')
    .default('f16'),
  connectivity: z
    .int()
    .min(4)
    .max(128)
    .describe('edges of each vector in the graph (M of HNSW); 16 where absent')
    .default(16),
  expansionAdd: z
    .int()
    .min(8)
    .max(4096)
    .describe('candidates that are looked at for the edges of a vector (efConstruction of HNSW); 128 where absent')
    .default(128),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .describe('of the draw of queries that recall is measured on; 0 where absent')
    .default(0),
};
export const indexSettingsSchema = z.strictObject(indexSettings);
export type IndexSettings = z.infer<typeof indexSettingsSchema>;

/**
 * `about` of an `index` artifact: vectors of one encoder to be searched by cosine similarity, with what is known of each row.
 * An index is never changed; adding to it, or removing from it, makes another one that names it as its `parent`.
 */
export const indexAboutSchema = z
  .strictObject({
    encoder: artifactRefSchema,
    dimension: z.int().positive(),
    count: z.int().nonnegative(),
    method: indexMethodSchema,
    settings: indexSettingsSchema,
    /** The file of the graph, by USearch; absent for `exact`. */
    graph: z
      .strictObject({
        file: z.string(),
        /** Safetensors with `keys`, I32 [count]: the key of each row in the graph, in no order; rows of equal vectors share one. */
        keys: z.string(),
        /** Vectors in the graph, with those that were removed and still are stations of a search. */
        nodes: z.int().positive(),
        /** Candidates that a search looks at (efSearch of HNSW). */
        expansionSearch: z.int().positive(),
        /** Rows that are found by their own vector only by a search that looks at more; absent for none. */
        hard: z.int().positive().optional(),
      })
      .optional(),
    /** Share of the true k nearest that a search finds, on queries that were drawn from the rows, each without itself; 1 for `exact`. What is no row may find less. */
    recall: z.strictObject({ k: z.int(), value: z.number(), queries: z.int() }),
    /** As in a `vectors` artifact; `vectors` hold rows of unit length. */
    shards: vectorsAboutSchema.shape.shards,
    /** Digest of the index that it was made of, which need not be kept for it, and what was changed; absent where it was built anew. */
    parent: z
      .strictObject({
        digest: digestSchema,
        added: z.int().nonnegative(),
        replaced: z.int().nonnegative(),
        removed: z.int().nonnegative(),
      })
      .optional(),
  })
  .refine(countsItsRows, wrongCount);
export type IndexAbout = z.infer<typeof indexAboutSchema>;

/** Images that are in no index because nothing can be compared with their embedding: how many, and the first of them. */
export const unusableSchema = z.strictObject({
  count: z.int().nonnegative(),
  first: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
export type Unusable = z.infer<typeof unusableSchema>;

/** Images that a person is told of: how many, and the names of the first. */
const namesToldSchema = z.strictObject({ count: z.int().nonnegative(), first: z.array(z.string()) });
export type NamesTold = z.infer<typeof namesToldSchema>;

/** What is put before the name of every image that is added, so that equal names of two folders stay two names. */
export const namePrefixSchema = z.string().min(1).max(500);

/** What is to be removed from an index: every row that has one of these. */
export const removalSchema = z.strictObject({
  names: z.array(z.string().min(1)).optional(),
  /** Beginnings of names. */
  prefixes: z.array(z.string().min(1)).optional(),
  groups: z.array(z.string().min(1)).optional(),
  labels: z.array(z.string().min(1)).optional(),
});
export type Removal = z.infer<typeof removalSchema>;

/** Searches for more than this are a listing, not a search. */
export const mostNeighbours = 1000;

const prefix = namePrefixSchema.optional();

/** What a process is told that builds or changes an index, as the first line of its input. */
export const indexRequestSchema = z.strictObject({
  storeUrl: z.string(),
  threads: z.int().min(1).optional(),
  /** Of who asks, who removes it: this process may be killed before it can. */
  folder: z.string(),
  job: z.discriminatedUnion('do', [
    z.strictObject({
      do: z.literal('build'),
      vectors: artifactRefSchema,
      settings: indexSettingsSchema.partial(),
      prefix,
    }),
    z.strictObject({ do: z.literal('add'), index: artifactRefSchema, vectors: artifactRefSchema, prefix }),
    z.strictObject({ do: z.literal('remove'), index: artifactRefSchema, which: removalSchema }),
  ]),
});
export type IndexRequest = z.infer<typeof indexRequestSchema>;
export type IndexJob = IndexRequest['job'];

/** What a build does one after the other; each is counted in rows. */
export const buildPhaseSchema = z.enum(['rows', 'recall', 'graph', 'check']);

/** What a build or a change made, and what it did to which images. */
export const changedIndexSchema = z.strictObject({
  index: artifactRefSchema,
  added: z.int(),
  replaced: z.int(),
  unchanged: z.int(),
  removed: z.int(),
  /** Replaced images whose file is another one, and not only their label or group. */
  otherFiles: namesToldSchema,
  /** Images that were left out, because another one that was added with them has their name. */
  sameName: namesToldSchema,
  /** Images that were left out, because nothing can be compared with their embedding. */
  unusable: unusableSchema,
});
export type IndexJobResult = z.infer<typeof changedIndexSchema>;

/** Lines that the process answers with: how far it is, then what it made or why it did not. */
export const indexAnswerSchema = z.union([
  z.strictObject({ phase: buildPhaseSchema, done: z.int(), total: z.int() }),
  changedIndexSchema,
  z.strictObject({ code: z.enum(errorCodes), message: z.string() }),
]);
