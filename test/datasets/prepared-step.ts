import { join } from 'node:path';
import { splitCountsOf } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { Plan } from '../../contracts/plan.ts';
import { prepareDataset } from '../../datasets/index.ts';
import {
  reportFolder,
  type Store,
  savePlan,
  saveRejectedPictures,
  saveStepResult,
  writeReportFile,
} from '../../store/index.ts';
import { folder, images } from './image-folder.ts';

/**
 * What a worker leaves of a run's step `data` that prepares the folder of images, without a server.
 *
 * @param params of the step, besides the folder
 * @returns the data set, and the path in the store of the list of all files
 */
export async function preparedStep(
  store: Store,
  { run, plan, params }: { readonly run: string; readonly plan: Plan; readonly params: object },
) {
  await savePlan(store, run, plan);
  const list = `${reportFolder(run)}/data-files.tsv`;
  const given = { dataset: 'image-folder', path: images, validation: 0, test: 0, ...params };
  const { ref, about, summary } = await prepareDataset(store, prepareDataParameters.parse(given), {
    cacheFolder: join(folder, 'cache'),
    keepList: async (lines) => {
      await writeReportFile(store, run, 'data-files.tsv', lines);
      return list;
    },
    keepPictures: (pictures) => saveRejectedPictures(store, list, pictures),
  });
  const result = {
    dataset: ref,
    ...{ name: about.name, classes: about.classes.length, rejected: about.rejected.length },
    counts: splitCountsOf(about),
    ...summary,
  };
  await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: JSON.parse(JSON.stringify(result)) });
  return { ref, list };
}
