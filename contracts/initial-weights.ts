import { z } from 'zod';

/** Whose names a file of weights uses. */
export const weightNames = ['contrail', 'keras', 'timm', 'transformers'] as const;
export type WeightNames = (typeof weightNames)[number];

const part = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}';
/** `hf:org/name@revision`; some old repositories have no organisation. */
const hubAddress = new RegExp(`^hf:(${part}(?:/${part})?)@([A-Za-z0-9_][A-Za-z0-9_./-]{0,199})$`);
const hubFile = new RegExp(`^${part}(/${part}){0,7}$`);

/** Weights that an encoder starts from: a safetensors file, pinned by its content. */
export const initialWeightsSchema = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .optional()
      .describe('a safetensors file with the encoder, on the machine of the worker; this or `from`'),
    from: z
      .string()
      .regex(hubAddress, 'must be hf:org/name@revision, with a commit or a tag as the revision')
      .refine((text) => !text.includes('..'), 'must not have two dots in a row')
      .optional()
      .describe('a repository of the Hugging Face hub, as hf:org/name@revision; a commit or a tag never changes'),
    file: z
      .string()
      .regex(hubFile, 'must be the path of a file in the repository')
      .optional()
      .describe('of the repository; absent: model.safetensors'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')
      .describe('of the file; `contrail weights show` says it'),
    names: z
      .enum(weightNames)
      .optional()
      .describe('whose names the file uses; absent: those that fit the encoder best'),
  })
  .refine(({ path, from }) => (path === undefined) !== (from === undefined), 'must have either `path` or `from`')
  .refine(
    ({ from, file }) => file === undefined || from !== undefined,
    '`file` is of a repository: it goes with `from`',
  );
export type InitialWeights = z.infer<typeof initialWeightsSchema>;
export type HubWeights = InitialWeights & { readonly from: string };

export const isFromHub = (weights: InitialWeights): weights is HubWeights => weights.from !== undefined;

/** A file of a repository of the hub. */
export interface HubFile {
  /** `org/name` */
  readonly repository: string;
  readonly revision: string;
  readonly file: string;
}

/** @returns null where the text is no address of the hub */
export function hubFileOf({ from, file = 'model.safetensors' }: Pick<HubWeights, 'from' | 'file'>): HubFile | null {
  const [, repository, revision] = hubAddress.exec(from) ?? [];
  if (repository === undefined || revision === undefined || from.includes('..') || !hubFile.test(file)) return null;
  return { repository, revision, file };
}

/** What to call the weights in a message. */
export const describeWeights = (weights: InitialWeights): string =>
  isFromHub(weights) ? `${weights.from} ${weights.file ?? 'model.safetensors'}` : (weights.path ?? '');
