import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isContrailError } from '../../../contracts/errors.ts';
import { openStore } from '../../../store/index.ts';
import { withFolder } from '../../folder.ts';
import { prepareData, type SmallTraining, trainInProcess } from '../../training-run.ts';
import type { Tell } from '../figures.ts';
import { gpuMemoryNow, secondsUntilFree } from '../gpu-samples.ts';

/** What a training says whose batch is too large for the GPU, and whether the memory is free after it. */
export async function outOfMemory({ images, parameters }: SmallTraining, tell: Tell): Promise<void> {
  await withFolder(async (folder) => {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const dataset = await prepareData(openStore(storeUrl), images, folder);
    const before = gpuMemoryNow();
    try {
      const epochs = await trainInProcess(storeUrl, 'too-large', dataset, parameters);
      tell('it had room', epochs.length);
    } catch (error) {
      tell('error', isContrailError(error) ? error.code : 'not one of ours');
      tell('message', error instanceof Error ? error.message : String(error));
    }
    if (before !== null) tell('GPU memory free again after', await secondsUntilFree(before), 's');
  });
}
