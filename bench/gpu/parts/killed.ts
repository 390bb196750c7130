import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore } from '../../../store/index.ts';
import { withFolder } from '../../folder.ts';
import { prepareData, type SmallTraining, trainInProcess } from '../../training-run.ts';
import type { Tell } from '../figures.ts';

export interface KilledTraining extends SmallTraining {
  /** Steps of the whole training at which the trainer gets SIGKILL. */
  readonly killAt: readonly number[];
}

/** A training that is killed in mid-epoch and goes on from the store, beside one that is left alone. */
export async function killed({ killAt, ...training }: KilledTraining, tell: Tell): Promise<void> {
  await withFolder(async (folder) => {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const dataset = await prepareData(openStore(storeUrl), training.images, folder);
    const alone = await trainInProcess(storeUrl, 'alone', dataset, training.parameters);
    const disturbed = await trainInProcess(storeUrl, 'disturbed', dataset, training.parameters, killAt);
    for (const { epoch, kills, resumedFrom } of disturbed)
      for (const { step } of kills)
        tell(`killed in epoch ${epoch} at step ${step}, resumed at`, resumedFrom?.step ?? 0);
    tell('killed as often as asked', disturbed.flatMap(({ kills }) => kills).length === killAt.length);
    tell('same digests after every epoch', JSON.stringify(digestsOf(alone)) === JSON.stringify(digestsOf(disturbed)));
    tell('last digest', alone.at(-1)?.digest ?? null);
  });
}

const digestsOf = (epochs: readonly { readonly digest: string }[]) => epochs.map(({ digest }) => digest);
