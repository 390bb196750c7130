import { existsSync } from 'node:fs';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import type { ModelVersion } from '../../../contracts/models.ts';
import { indexAboutSchema } from '../../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../../contracts/vectors.ts';
import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import { openStore, readAbout, type Store } from '../../../store/index.ts';
import { requireEncoder } from '../../../vectors/index.ts';
import { changeIndexOf, checkPrefix, indexOf } from '../../change-index.ts';
import { embeddingStep, runEmbedding } from '../../embed/run-embedding.ts';
import { interruptedCode } from '../../interrupt.ts';
import { say } from '../../output.ts';
import { vectorsOfRun } from '../../vectors-of-run.ts';

export interface AddOptions {
  readonly threads?: number;
  readonly labels?: 'folder' | 'none';
  readonly prefix?: string;
  readonly json: boolean;
}

/** `contrail index add`: more images, or newer ones, into the index of a model. */
export async function indexAddCommand(
  model: string,
  from: string,
  { threads, labels, prefix, json }: AddOptions,
): Promise<number> {
  checkPrefix(prefix);
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  indexOf(current);
  const vectors = existsSync(from)
    ? await embedded(store, current, from, { ...(labels === undefined ? {} : { labels }), json })
    : await vectorsOfRun(store, from);
  if (vectors === null) {
    say(`The same command follows it again and adds the images to ${model}.`);
    return interruptedCode;
  }
  const { encoder } = await readAbout(store, vectors, vectorsAboutSchema);
  const jobOn = async (now: ModelVersion) => {
    const index = indexOf(now);
    requireEncoder(await readAbout(store, index, indexAboutSchema), encoder, from);
    return { do: 'add', index, vectors, prefix } as const;
  };
  // Others may have changed the index while the images were embedded.
  return changeIndexOf(store, await currentVersion(store, model), jobOn, { threads, json });
}

/** The images of a folder or table, embedded by a run; null where that was interrupted. */
async function embedded(
  store: Store,
  { model, encoder }: ModelVersion,
  images: string,
  options: Parameters<typeof runEmbedding>[3],
): Promise<ArtifactRef | null> {
  const run = await runEmbedding(store, { named: { model }, encoder }, images, options);
  return run === null ? null : vectorsOfRun(store, `${run}/${embeddingStep}`);
}
