import { z } from 'zod';

/** SHA-256 in hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

/** What a step can hand to another step. */
export const artifactKinds = [
  'dataset',
  'encoder',
  'classifier',
  'evaluation',
  'robustness',
  'outliers',
  'retrieval',
  'inspection',
  'curve',
  'comparison',
  'files',
  'code',
] as const;
export const artifactKindSchema = z.enum(artifactKinds);
export type ArtifactKind = z.infer<typeof artifactKindSchema>;

/**
 * A reference to an immutable folder in the store, `artifacts/<kind>/<digest>/`, named by the SHA-256 of its
 * manifest.json, which lists every file with its own SHA-256. References travel through Temporal; contents never do.
 */
export const artifactRefSchema = z.strictObject({ kind: artifactKindSchema, digest: digestSchema });
export type ArtifactRef = z.infer<typeof artifactRefSchema>;

/** Files of the user's own that a step runs. */
export const codeRefSchema = artifactRefSchema.extend({ kind: z.literal('code') });
export type CodeRef = z.infer<typeof codeRefSchema>;

/** One file of an artifact or checkpoint, by a path relative to the manifest. */
export const fileEntrySchema = z.strictObject({
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name'),
  bytes: z.int().nonnegative(),
  sha256: digestSchema,
});
export type FileEntry = z.infer<typeof fileEntrySchema>;

/** manifest.json of an artifact; `about` is validated by the schema of its kind. */
export const artifactManifestSchema = z.strictObject({
  format: z.literal('contrail-artifact/1'),
  kind: artifactKindSchema,
  about: z.record(z.string(), z.json()),
  files: z.array(fileEntrySchema),
});
export type ArtifactManifest = z.infer<typeof artifactManifestSchema>;

/** Names joined by `/`, none of which leads out of the folder. */
export const treePathSchema = z
  .string()
  .min(1)
  .max(1000)
  .refine(
    (path) => path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0')),
    'must be a path inside its folder: names joined by "/", without "." and ".."',
  );

/** `about` of the artifacts `files` and `code`: a folder, or one file, whose paths may be any; the stored files have plain names. */
export const treeAboutSchema = z.strictObject({
  is: z.enum(['file', 'folder']),
  files: z.array(
    z.strictObject({ path: treePathSchema, file: z.string(), executable: z.boolean().optional() }).readonly(),
  ),
});
export type TreeAbout = z.infer<typeof treeAboutSchema>;

const splitSchema = z.strictObject({
  /**
   * Safetensors files in the order of their rows, with `labels` (I32 [count]) and the images: `images` (U8 [count, height, width,
   * channels]), or, where the data set keeps files, `images` (U8 [bytes]) and where each ends, `ends` (I32 [count]).
   */
  shards: z.array(z.strictObject({ file: z.string(), count: z.int().positive() })),
  count: z.int().nonnegative(),
  perClass: z.array(z.int().nonnegative()),
  /**
   * A safetensors file with `source` and `pixels` (U8 [count, 32]), in the order of the rows: SHA-256 of what each row was
   * read from, and of its prepared image in three channels. Absent where there is no row, or an older version wrote the set.
   */
  digests: z.string().optional(),
  /** A file of JSON lines that says what each row is called, and what else is known of it; there where images have names. */
  rows: z.string().optional(),
});

/** `about` of a dataset artifact. */
export const datasetAboutSchema = z.strictObject({
  name: z.string(),
  classes: z.array(z.string()).min(2),
  image: z.strictObject({
    height: z.int().positive(),
    width: z.int().positive(),
    channels: z.union([z.literal(1), z.literal(3)]),
  }),
  /** Where the shards hold files: squares of this side, at least that of `image`. Without it they hold pixels. */
  stored: z.strictObject({ side: z.int().positive(), format: z.enum(['jpeg', 'webp']), quality: z.int() }).optional(),
  /** Per channel, over the training split, of pixels divided by 255. */
  mean: z.array(z.number()),
  deviation: z.array(z.number().positive()),
  splits: z.strictObject({ train: splitSchema, validation: splitSchema, test: splitSchema }),
  /** Source files that could not be used, and why. */
  rejected: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
});
export type DatasetAbout = z.infer<typeof datasetAboutSchema>;
export type SplitName = keyof DatasetAbout['splits'];
