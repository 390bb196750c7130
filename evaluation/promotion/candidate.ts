import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import {
  type Evaluation,
  evaluationAboutSchema,
  evaluationFile,
  evaluationSchema,
} from '../../contracts/evaluation.ts';
import type { Candidate, MetricName } from '../../contracts/models.ts';
import { retrievalAboutSchema, retrievalFile, retrievalSchema } from '../../contracts/retrieval.ts';
import { readAbout, readArtifactJson, type Store, testSetOf } from '../../store/index.ts';

/** What an evaluation, or a retrieval, says of the model that it measured. @throws ContrailError CorruptArtifact */
export async function candidateOf(
  store: Store,
  { run, step }: Pick<Candidate, 'run' | 'step'>,
  evaluation: ArtifactRef,
): Promise<Candidate> {
  if (evaluation.kind === 'retrieval') return searchedEncoder(store, { run, step }, evaluation);
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

/** A model that was measured by retrieval: an encoder. */
async function searchedEncoder(
  store: Store,
  origin: Pick<Candidate, 'run' | 'step'>,
  retrieval: ArtifactRef,
): Promise<Candidate> {
  const { encoder, dataset } = await readAbout(store, retrieval, retrievalAboutSchema);
  const { recallAt, mapAtR, of } = await readArtifactJson(store, retrieval, retrievalFile, retrievalSchema);
  if (of === 'projection')
    throw new ContrailError(
      'InvalidInput',
      'The search was made with projections, and a model is an encoder, without its head. Promote by a retrieval without `of: projection`.',
    );
  const recallAt1 = recallAt.find(({ k }) => k === 1)?.value ?? null;
  return {
    ...origin,
    encoder,
    classifier: null,
    evaluation: retrieval,
    metrics: { recallAt1, mapAtR: mapAtR.value },
    testSet: dataset.digest,
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
