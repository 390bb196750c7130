import type { ArtifactRef } from '../../contracts/artifacts.ts';
import {
  type Evaluation,
  evaluationAboutSchema,
  evaluationFile,
  evaluationSchema,
} from '../../contracts/evaluation.ts';
import type { Candidate, MetricName } from '../../contracts/models.ts';
import { readAbout, readArtifactJson, type Store, testSetOf } from '../../store/index.ts';

/** What an evaluation says of the model that it measured. @throws ContrailError CorruptArtifact */
export async function candidateOf(
  store: Store,
  { run, step }: Pick<Candidate, 'run' | 'step'>,
  evaluation: ArtifactRef,
): Promise<Candidate> {
  const about = await readAbout(store, evaluation, evaluationAboutSchema);
  const measured = await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema);
  return {
    run,
    step,
    encoder: about.encoder,
    classifier: about.classifier,
    evaluation,
    metrics: metricsOf(measured),
    testSet: await testSetOf(store, about.dataset),
  };
}

/** The data set that an evaluation was made on. */
export const datasetOf = async (store: Store, evaluation: ArtifactRef): Promise<ArtifactRef> =>
  (await readAbout(store, evaluation, evaluationAboutSchema)).dataset;

const metricsOf = ({ top1, top5, macroF1, knn }: Evaluation): Record<MetricName, number | null> => ({
  top1,
  top5,
  macroF1,
  knn: knn[0]?.accuracy ?? null,
});
