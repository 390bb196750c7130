import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type ClassifierAbout, classifierAboutSchema, classifierFile } from '../contracts/evaluation.ts';
import { canonicalJson } from '../contracts/json.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import { decodeSafetensors, float32, readAbout, readArtifactFile, type Store } from '../store/index.ts';
import type { LinearClassifier } from './linear-classifier.ts';

/**
 * Loads a classifier artifact that is to be used with an encoder.
 *
 * @throws ContrailError InvalidInput when it was trained on another encoder
 * @throws ContrailError CorruptArtifact
 */
export async function openClassifier(
  store: Store,
  { classifier, encoder }: { readonly classifier: ArtifactRef; readonly encoder: ArtifactRef },
): Promise<LinearClassifier & { readonly about: ClassifierAbout }> {
  const about = await readAbout(store, classifier, classifierAboutSchema);
  if (canonicalJson(about.encoder) !== canonicalJson(encoder))
    throw new ContrailError(
      'InvalidInput',
      'The classifier was trained on another encoder. Evaluate it with the one that its probe step used.',
    );
  const { tensors } = decodeSafetensors(await readArtifactFile(store, classifier, classifierFile), classifierFile);
  const [kernel, bias] = [tensors.get('kernel'), tensors.get('bias')];
  if (!kernel || !bias)
    throw new ContrailError('CorruptArtifact', `The classifier ${classifier.digest} lacks kernel or bias.`);
  return { kernel: float32(kernel), bias: float32(bias), about };
}

/** A logit of which no answer follows: its probability is 0 beside any other. */
const never = -1e30;

/**
 * A classifier as it answers on the classes of a data set, which may be more than it was trained on, or in another order. It never
 * answers those that it does not know.
 *
 * @param classes those of the data set, in the order of its labels
 * @returns the classifier, and where it has a class itself: undefined of those that it does not know
 * @throws ContrailError InvalidInput where it knows classes that the data set does not have
 */
export function answeringOn(
  { kernel, bias, about }: Awaited<ReturnType<typeof openClassifier>>,
  classes: readonly string[],
): { readonly classifier: LinearClassifier; readonly columnOf: (label: number) => number | undefined } {
  if (canonicalJson(about.classes) === canonicalJson(classes))
    return { classifier: { kernel, bias }, columnOf: (label) => label };
  const others = about.classes.filter((name) => !classes.includes(name));
  if (others.length > 0)
    throw new ContrailError(
      'InvalidInput',
      `The classifier knows classes that the data set does not have (${someOf(others.map(visible))}), so it cannot be measured on it. Name a data set with all its classes as \`dataset\`.`,
    );
  const own = new Map(about.classes.map((name, column) => [name, column]));
  const columns = classes.map((name) => own.get(name));
  const [rows, known] = [kernel.length / bias.length, bias.length];
  const wide = new Float32Array(rows * columns.length);
  for (let row = 0; row < rows; row++)
    for (const [label, column] of columns.entries())
      if (column !== undefined) wide[row * columns.length + label] = kernel[row * known + column] as number;
  return {
    classifier: {
      kernel: wide,
      bias: Float32Array.from(columns, (column) => (column === undefined ? never : (bias[column] as number))),
    },
    columnOf: (label) => columns[label],
  };
}
