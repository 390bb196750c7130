import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type ClassifierAbout, classifierAboutSchema, classifierFile } from '../contracts/evaluation.ts';
import { canonicalJson } from '../contracts/json.ts';
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
