import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { ModelVersion } from '../../contracts/models.ts';
import { addVersion, type Store } from '../../store/index.ts';

/**
 * Gives a model another index: a new version with the same encoder and classifier, so that whoever follows the model takes both at
 * once, and a rollback brings the old index back.
 *
 * @param of the version that the index was made for, which must still be the current one
 * @throws ContrailError RunFailed where the model has another version by now
 */
export async function changeIndex(
  store: Store,
  { restores: _, indexedBy: __, ...of }: ModelVersion,
  index: ArtifactRef,
  reason: string,
): Promise<ModelVersion> {
  const version = of.version + 1;
  const added = await addVersion(store, { ...of, version, step: null, index, reason });
  if (added) return added;
  throw new ContrailError(
    'RunFailed',
    `${of.model} got version ${version} while the index for version ${of.version} was made, so nothing was changed. Do it again.`,
  );
}
