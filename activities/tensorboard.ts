import { log } from '@temporalio/activity';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { EpochMetrics } from '../contracts/checkpoints.ts';
import { encoderAboutSchema } from '../contracts/encoder.ts';
import {
  embeddingFile,
  evaluationAboutSchema,
  evaluationSchema,
  evaluationFile as measuredFile,
  predictionsFile,
} from '../contracts/evaluation.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import type { SampleViewsResult } from '../contracts/trainer.ts';
import { readRows } from '../datasets/index.ts';
import { evaluationFile } from '../report/tensorboard/evaluation-files.ts';
import { evaluationPictures, mistakeRows } from '../report/tensorboard/evaluation-pictures.ts';
import { projectorFiles } from '../report/tensorboard/projector-files.ts';
import { type BoardFile, endFile, epochFile, settingsFile, viewsFile } from '../report/tensorboard/training-files.ts';
import {
  decodeSafetensors,
  int32,
  parseJson,
  readArtifact,
  readArtifactFile,
  type Store,
  tensorboardFolder,
} from '../store/index.ts';

const now = () => Date.now() / 1000;

/**
 * Shows an epoch in TensorBoard; the first time, the settings and some views too. What goes wrong is logged and stops
 * nothing.
 */
export const showEpoch = async (
  store: Store,
  key: StepKey,
  parameters: Readonly<Record<string, Json>>,
  epoch: number,
  metrics: EpochMetrics,
  sampleViews: () => Promise<SampleViewsResult>,
): Promise<void> => {
  let isThere = true;
  await show(store, key, async () => {
    const settings = settingsFile(now(), parameters);
    isThere = await store.exists(`${tensorboardFolder(key.run)}/${key.step}/${settings.name}`);
    return [...(isThere ? [] : [settings]), epochFile(now(), epoch, metrics)];
  });
  if (!isThere) await show(store, key, async () => [await viewsFile(now(), await sampleViews())]);
};

/** Shows in TensorBoard that a training has ended well. */
export const showEnd = (store: Store, key: StepKey, epoch: number): Promise<void> =>
  show(store, key, async () => [endFile(now(), epoch)]);

/** Shows what was measured in TensorBoard, and the embeddings of test images in its projector. */
export const showEvaluation = (store: Store, key: StepKey, ref: ArtifactRef): Promise<void> =>
  show(store, key, async () => {
    const { about, files } = await readArtifact(store, ref);
    const { encoder, dataset } = evaluationAboutSchema.parse(about);
    const { epochs } = encoderAboutSchema.parse((await readArtifact(store, encoder)).about);
    const evaluation = evaluationSchema.parse(parseJson(await readArtifactFile(store, ref, measuredFile)));
    const mistakes = await readRows(store, dataset, 'test', mistakeRows(evaluation));
    const drawn = await evaluationPictures(key.step, evaluation, mistakes);
    const measured = evaluationFile(now(), epochs, evaluation, drawn);
    // Evaluations of earlier versions kept no embeddings.
    if (!files.some(({ path }) => path === embeddingFile)) return [measured];
    return [measured, ...(await projectionOf(store, ref, dataset, evaluation.classes))];
  });

async function projectionOf(
  store: Store,
  ref: ArtifactRef,
  dataset: ArtifactRef,
  classes: readonly string[],
): Promise<BoardFile[]> {
  const tensorsOf = async (file: string) => decodeSafetensors(await readArtifactFile(store, ref, file), file).tensors;
  const { embedding, rows: places } = Object.fromEntries(await tensorsOf(embeddingFile));
  const { labels: known } = Object.fromEntries(await tensorsOf(predictionsFile));
  if (!embedding || !places || !known) throw new Error('the evaluation lacks embedding, rows or labels');
  const [rows, labels] = [int32(places), int32(known)];
  const [count = 0, dimension = 0] = embedding.shape;
  return projectorFiles({
    embedding: embedding.data,
    count,
    dimension,
    rows,
    classes: Array.from(rows, (row) => classes[labels[row] ?? -1] ?? ''),
    images: await readRows(store, dataset, 'test', rows),
  });
}

async function show(store: Store, { run, step }: StepKey, make: () => Promise<readonly BoardFile[]>): Promise<void> {
  try {
    for (const { name, content } of await make())
      await store.write(`${tensorboardFolder(run)}/${step}/${name}`, content);
  } catch (error) {
    log.warn(
      `TensorBoard's files of ${run}/${step} were not written: ${error instanceof Error ? error.message : error}`,
    );
  }
}
