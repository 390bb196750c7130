import { indexAboutSchema } from '../../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../../contracts/vectors.ts';
import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import { openStore, readAbout } from '../../../store/index.ts';
import { requireEncoder } from '../../../vectors/index.ts';
import { changeIndexOf, indexOf } from '../../change-index.ts';
import { vectorsOfRun } from '../../vectors-of-run.ts';

/** `contrail index add`: more images, or newer ones, into the index of a model. */
export async function indexAddCommand(
  model: string,
  from: string,
  { threads, json }: { readonly threads?: number; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  const index = indexOf(current);
  const vectors = await vectorsOfRun(store, from);
  const { encoder } = await readAbout(store, vectors, vectorsAboutSchema);
  requireEncoder(await readAbout(store, index, indexAboutSchema), encoder, from);
  return changeIndexOf(store, current, { do: 'add', index, vectors }, { threads, json });
}
