import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { Calibration } from '../contracts/calibration.ts';
import { evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import { readArtifactJson, type Store } from '../store/index.ts';

/**
 * What the evaluation of a model chose on validation images; null where there is none, as in evaluations of versions before 5.
 *
 * @throws ContrailError CorruptArtifact
 */
export async function calibrationOf(store: Store, evaluation: ArtifactRef | null): Promise<Calibration | null> {
  if (!evaluation) return null;
  return (await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema)).calibration ?? null;
}
