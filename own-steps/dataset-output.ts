import { realpath } from 'node:fs/promises';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { dataLines } from '../contracts/data-account.ts';
import { isContrailError } from '../contracts/errors.ts';
import { fileList } from '../contracts/file-list.ts';
import type { Json } from '../contracts/json.ts';
import type { ProgramOutput } from '../contracts/kinds/run.ts';
import type { ProgressOfPreparation } from '../datasets/index.ts';
import { reportFolder, writeReportFile } from '../store/index.ts';
import type { Attempt } from './attempt.ts';
import { filesIn, findOutput, wrongOutput } from './outputs.ts';
import type { Workspace } from './workspace.ts';

type ImagesOutput = Extract<ProgramOutput, { readonly dataset: string }>;

/** Decoders of images are loaded where one is needed: whoever plans a pipeline needs none. */
const datasets = () => import('../datasets/index.ts');

/**
 * Prepares a folder of images that a program made, as prepare-data does, and says what became of each file.
 *
 * @throws ContrailError InvalidResult that says what is wrong with the folder; the signal's reason
 */
export async function storeImages(
  { store, key, cacheFolder, signal, onProgress, onLine }: Attempt,
  { name, output, space }: { readonly name: string; readonly output: ImagesOutput; readonly space: Workspace },
): Promise<ArtifactRef> {
  const path = await findOutput({ name, output, work: space.work });
  const { dataset: _, ...parameters } = output;
  const list = fileList(key.step, name);
  const { prepareDataset } = await datasets();
  return explaining(name, space.work, async () => {
    const { ref, summary } = await prepareDataset(
      store,
      { ...parameters, dataset: 'image-folder', path, limit: {} },
      {
        cacheFolder,
        signal,
        onProgress: (progress) => onProgress(ofImages(progress)),
        keepList: async (lines) => {
          await writeReportFile(store, key.run, list, lines);
          return store.locate(`${reportFolder(key.run)}/${list}`);
        },
      },
    );
    const kept = { ...summary, ...(summary.list === undefined ? {} : { list: `${reportFolder(key.run)}/${list}` }) };
    const result = JSON.parse(JSON.stringify(kept)) as { readonly [name: string]: Json };
    for (const line of dataLines({ id: name, uses: 'prepare-data', result }, key.run, store.locate)) onLine(line);
    return ref;
  });
}

/**
 * Stores a data set that a step wrote with `createDatasetWriter`.
 *
 * @param work the folder that has the output's, by its name
 * @throws ContrailError InvalidResult that says what is wrong with it; the signal's reason
 */
export async function storeWritten(
  { store, signal, onProgress, onLine }: Attempt,
  { name, work }: { readonly name: string; readonly work: string },
): Promise<ArtifactRef> {
  const folder = await findOutput({ name, output: { folder: name }, work });
  // For the links among them, which are refused.
  await filesIn(folder, '', (what) => wrongOutput(name, `${what}.`));
  const { adoptDataset } = await datasets();
  return explaining(name, work, async () => {
    const { ref, warnings } = await adoptDataset(store, folder, {
      signal,
      onProgress: (progress) => onProgress(ofImages(progress)),
    });
    for (const warning of warnings) onLine(`${name}: warning: ${warning}`);
    return ref;
  });
}

const ofImages = (progress: ProgressOfPreparation) => ({ ...progress, unit: 'images' as const });

/** Says what is wrong with data as what is wrong with the output: it is the step's own, and the next attempt's would be too. */
async function explaining<T>(name: string, work: string, store: () => Promise<T>): Promise<T> {
  try {
    return await store();
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'InvalidDataset') throw error;
    const real = await realpath(work);
    const message = error.message.replaceAll(`${work}/`, '').replaceAll(`${real}/`, '');
    throw wrongOutput(name, `cannot be a data set. ${message}`, error);
  }
}
