import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openStore } from '../../../store/index.ts';
import { withFolder } from '../../folder.ts';
import { prepareData, type SmallTraining, trainInProcess } from '../../training-run.ts';
import type { Tell } from '../figures.ts';
import { gpuMemoryNow } from '../gpu-samples.ts';

export interface KilledTraining extends SmallTraining {
  /** Steps of the whole training at which the trainer gets SIGKILL. */
  readonly killAt: readonly number[];
}

const patienceMs = 30_000;

/** A training that is killed in mid-epoch and goes on from the store, beside one that is left alone; and the GPU's memory after it. */
export async function killed({ killAt, ...training }: KilledTraining, tell: Tell): Promise<void> {
  await withFolder(async (folder) => {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const dataset = await prepareData(openStore(storeUrl), training.images, folder);
    const before = gpuMemoryNow();
    const alone = await trainInProcess(storeUrl, 'alone', dataset, training.parameters);
    const disturbed = await trainInProcess(storeUrl, 'disturbed', dataset, training.parameters, killAt);
    for (const { epoch, kills, resumedFrom } of disturbed)
      for (const { step } of kills)
        tell(`killed in epoch ${epoch} at step ${step}, resumed at`, resumedFrom?.step ?? 0);
    tell('killed as often as asked', disturbed.flatMap(({ kills }) => kills).length === killAt.length);
    tell('same digests after every epoch', JSON.stringify(digestsOf(alone)) === JSON.stringify(digestsOf(disturbed)));
    tell('last digest', alone.at(-1)?.digest ?? null);
    if (before !== null) tell('GPU memory free again after', await secondsUntil(before), 's');
  });
}

const digestsOf = (epochs: readonly { readonly digest: string }[]) => epochs.map(({ digest }) => digest);

/** Seconds until the GPU's memory in use is about what it was; null when it stays. */
async function secondsUntil(mebibytes: number): Promise<number | null> {
  const started = performance.now();
  while (performance.now() - started < patienceMs) {
    if ((gpuMemoryNow() ?? 0) <= mebibytes + 64) return (performance.now() - started) / 1000;
    await wait(100);
  }
  return null;
}
