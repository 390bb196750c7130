import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { ModelVersion } from '../../contracts/models.ts';
import { addVersion, type Store } from '../../store/index.ts';

/**
 * Gives a model another index: a new version with the same encoder and classifier, so that whoever follows the model takes both at
 * once, and a rollback brings the old index back.
 *
 * @param of the version that the index was made for, which must still be the current one
 * @returns null where the model has another version by now; nothing is changed then
 */
export async function changeIndex(
  store: Store,
  { restores: _, indexedBy: __, ...of }: ModelVersion,
  index: ArtifactRef,
  reason: string,
): Promise<ModelVersion | null> {
  return addVersion(store, { ...of, version: of.version + 1, step: null, index, reason });
}
