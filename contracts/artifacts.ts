import { z } from 'zod';
import { countsItsRows, wrongCount } from './row-counts.ts';

/** SHA-256 in hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

/** What a step can hand to another step. */
export const artifactKinds = [
  'dataset',
  'encoder',
  'classifier',
  'embeddings',
  'vectors',
  'index',
  'evaluation',
  'robustness',
  'outliers',
  'retrieval',
  'drift',
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

const splitSchema = z
  .strictObject({
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
  })
  .refine(countsItsRows, wrongCount);

/** A split without images, as a data set that lacks it has it. */
const emptySplit: z.infer<typeof splitSchema> = { shards: [], count: 0, perClass: [] };

/** What images have several labels of: a colour, a type. They are keys of a row's facts, so no name may be one that any object has. */
export const labelNamesSchema = z
  .array(
    z
      .string()
      .min(1)
      .max(300)
      .refine((name) => !(name in {}), 'must not be a name that every object in JavaScript has, such as "constructor"'),
  )
  .min(1)
  .max(8)
  .refine((names) => new Set(names).size === names.length, 'must be different from each other');

/** Where images are kept as files: squares of this side, and how they are encoded. */
const storedImagesSchema = z.strictObject({
  side: z.int().positive(),
  format: z.enum(['jpeg', 'webp']),
  quality: z.int(),
});

/** How an image of any shape becomes a square, by the words of prepare-data. */
const squareFormSchema = z.strictObject({
  fit: z.enum(['pad', 'resize', 'crop']),
  /** Colour behind transparent parts and around padded images, as `#rrggbb`; absent: white behind, black around. */
  background: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .optional(),
});

/** All that a data set says of how its images were brought to one form, besides their size and channels. */
export const imageFormSchema = squareFormSchema.extend({ stored: storedImagesSchema.optional() });
export type ImageForm = z.infer<typeof imageFormSchema>;

/** `about` of a dataset artifact. */
export const datasetAboutSchema = z
  .strictObject({
    name: z.string(),
    classes: z.array(z.string()).min(2),
    image: z.strictObject({
      height: z.int().positive(),
      width: z.int().positive(),
      channels: z.union([z.literal(1), z.literal(3)]),
    }),
    /** Where the shards hold files: squares of this side, at least that of `image`. Without it they hold pixels. */
    stored: storedImagesSchema.optional(),
    /** How images became squares. Absent: padded, on white where they are transparent and on black around. */
    form: squareFormSchema.optional(),
    /** Per channel, over the training split, of pixels divided by 255. */
    mean: z.array(z.number()),
    deviation: z.array(z.number().positive()),
    splits: z.strictObject({
      train: splitSchema,
      validation: splitSchema,
      test: splitSchema,
      /** Images of classes that are never trained on: to choose by, and to report on. Absent where no class is held out. */
      unseenValidation: splitSchema.optional(),
      unseenTest: splitSchema.optional(),
    }),
    /** The first so many of `classes` are trained on; the others occur in the unseen splits only. Absent: all are. */
    trainedClasses: z.int().min(2).optional(),
    /** What its rows have labels of besides their class, in this order; named in the rows' facts. Absent: of nothing. */
    labels: labelNamesSchema.optional(),
    /** Source files that could not be used, and why. */
    rejected: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  })
  .refine(({ classes, trainedClasses = 0 }) => trainedClasses <= classes.length, {
    path: ['trainedClasses'],
    message: 'must be at most the number of classes',
  });
export type DatasetAbout = z.infer<typeof datasetAboutSchema>;
export type SplitName = keyof DatasetAbout['splits'];
export type Split = DatasetAbout['splits']['train'];

/** Every split that there may be, in the order in which they are written. */
export const splitNames = ['train', 'validation', 'test', 'unseenValidation', 'unseenTest'] as const;
export const splitNameSchema = z.enum(splitNames);

/** What a data set says of a split; of one that it lacks, that it is empty. */
export const splitOf = ({ splits }: Pick<DatasetAbout, 'splits'>, name: SplitName): Split => splits[name] ?? emptySplit;

/** What to call a split in a sentence. */
export const splitText = (name: SplitName): string => splitTexts[name];
const splitTexts: Readonly<Record<SplitName, string>> = {
  train: 'train',
  validation: 'validation',
  test: 'test',
  unseenValidation: 'unseen validation',
  unseenTest: 'unseen test',
};

/** The classes that a model is trained on, and knows; the others are in the unseen splits alone. */
export const trainedClassesOf = ({
  classes,
  trainedClasses = classes.length,
}: Pick<DatasetAbout, 'classes' | 'trainedClasses'>): string[] => classes.slice(0, trainedClasses);

/** The names of the trained classes, and how many there are besides. */
export function knownClasses(about: Pick<DatasetAbout, 'classes' | 'trainedClasses'>): {
  readonly classes: string[];
  readonly unseenClasses?: number;
} {
  const classes = trainedClassesOf(about);
  const unseenClasses = about.classes.length - classes.length;
  return { classes, ...(unseenClasses > 0 ? { unseenClasses } : {}) };
}

/** How many images each split has; the unseen ones where there are any. */
export const splitCountsSchema = z.strictObject({
  train: z.int(),
  validation: z.int(),
  test: z.int(),
  unseenValidation: z.int().optional(),
  unseenTest: z.int().optional(),
});
export const splitCountsOf = ({ splits }: Pick<DatasetAbout, 'splits'>): z.infer<typeof splitCountsSchema> => {
  const { train, validation, test, unseenValidation, unseenTest } = splits;
  return {
    train: train.count,
    validation: validation.count,
    test: test.count,
    ...(unseenValidation ? { unseenValidation: unseenValidation.count } : {}),
    ...(unseenTest ? { unseenTest: unseenTest.count } : {}),
  };
};
