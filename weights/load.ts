import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { shortened } from '../contracts/short-text.ts';
import { visible } from '../contracts/visible-text.ts';
import { bytesOf, type StoredTensor } from '../store/index.ts';
import { readWeightFile } from './file.ts';
import { floatsOf } from './floats.ts';
import { type ForEncoder, type Match, matchWeights } from './names/match.ts';
import { made, type Recipe, type Values } from './names/recipe.ts';

/** A file that is known by its content. */
export interface PinnedFile {
  readonly path: string;
  readonly sha256: string;
  /** What to call the file in a message. */
  readonly title: string;
  /** What to throw where it has another digest. @default ContrailError InvalidInput with both digests */
  readonly otherDigest?: (actual: string) => ContrailError;
}

const differing = (title: string, sha256: string) => (actual: string) =>
  new ContrailError(
    'InvalidInput',
    `${title} has SHA-256 ${actual}, not ${sha256}. Name the file that is meant, or its digest.`,
  );

/** The weights of an encoder, by its own names, in its own layout. */
export interface LoadedWeights extends Pick<Match, 'names' | 'leftovers'> {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads the weights of an encoder out of a safetensors file, whose names may be those of timm, transformers, Keras or Contrail.
 *
 * @param onRead is told how many bytes were read, of how many, and that all were after each weight that is made; may throw, which ends it
 * @throws ContrailError InvalidInput where the file is another one, is unsound, or does not fit the encoder; it names the weight
 * @throws the system's error where the file cannot be opened
 */
export async function loadWeights(
  { path, sha256, title, otherDigest = differing(title, sha256) }: PinnedFile,
  encoder: ForEncoder,
  onRead: (done: number, total: number) => void = () => {},
): Promise<LoadedWeights> {
  let match: Match | undefined;
  const { tensors, bytes } = await readWeightFile(
    path,
    title,
    ({ tensors: places }) => {
      match = about(title, () => matchWeights(places, encoder));
      return [...match.recipes.values()].flatMap(({ from }) => from);
    },
    {
      requireDigest: (actual) => {
        if (actual !== sha256) throw otherDigest(actual);
      },
      onRead,
    },
  );
  if (!match) throw new Error('a header was read');
  const { recipes, names, leftovers } = match;
  const result = new Map<string, StoredTensor>();
  for (const { name, shape } of encoder.wanted) {
    const recipe = recipes.get(name) as Recipe;
    const values = made(
      recipe,
      recipe.from.map((each) => valuesOf(tensors.get(each) as StoredTensor, title)),
      shape,
    );
    result.set(name, { name, dtype: 'F32', shape: values.shape, data: bytesOf(values.values) });
    // Lets the process answer messages between weights.
    await new Promise(setImmediate);
    onRead(bytes, bytes);
  }
  return { tensors: result, names, leftovers };
}

/** @throws ContrailError InvalidInput where a value is none */
function valuesOf(tensor: StoredTensor, title: string): Values {
  const values = floatsOf(tensor);
  // A sum of float32 numbers cannot overflow a number of JavaScript's, so it is finite where all are.
  if (!Number.isFinite(values.reduce((sum, value) => sum + value, 0)))
    throw new ContrailError(
      'InvalidInput',
      `${title} holds values in ${visible(shortened(tensor.name, 100))} that are infinite or no numbers. It is damaged, or its training diverged; take another file.`,
    );
  return { shape: tensor.shape, values };
}

/** Puts the name of the file before what is wrong with it. */
function about<T>(title: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isContrailError(error)) throw error;
    throw new ContrailError(error.code, `${title} ${error.message}`, { cause: error });
  }
}
