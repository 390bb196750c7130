import { ContrailError } from '../../contracts/errors.ts';
import type { ModelVersion } from '../../contracts/models.ts';
import { addVersion, loadVersions, type Store } from '../../store/index.ts';

/**
 * Makes the model of an older version the current one again, as a new version.
 *
 * @param to the version to go back to; without it, the one before the current
 * @throws ContrailError Usage when there is no such version
 */
export async function rollBackModel(store: Store, model: string, to?: number): Promise<ModelVersion> {
  for (;;) {
    const versions = await loadVersions(store, model);
    const current = versions.at(-1);
    if (!current) throw new ContrailError('Usage', `There is no model ${model}. \`contrail models ls\` shows them.`);
    const target = to === undefined ? previousOf(versions, current) : versions.find(({ version }) => version === to);
    if (!target || target.version === current.version)
      throw new ContrailError(
        'Usage',
        to === undefined
          ? `${model} has only ever had one model, so there is none to go back to.`
          : `${model} cannot go back to version ${to}: ${target ? 'it is the current one' : `there are 1 to ${current.version}`}.`,
      );
    const restores = target.restores ?? target.version;
    const added = await addVersion(store, {
      ...target,
      version: current.version + 1,
      step: null,
      reason: `back from version ${current.version} to version ${restores}`,
      restores,
    });
    if (added) return added;
  }
}

/** The version before the current one, or before the one that a rollback made current. */
const previousOf = (versions: readonly ModelVersion[], current: ModelVersion) => {
  const origin = current.restores ?? current.version;
  return versions.findLast(({ version }) => version < origin);
};
