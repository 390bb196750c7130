import { ContrailError } from '../contracts/errors.ts';
import type { ModelVersion } from '../contracts/models.ts';
import { listModels, loadCurrent, type Store } from '../store/index.ts';
import { checkModelName } from './given-names.ts';

/** The current version of a model. @throws ContrailError Usage when there is none */
export async function currentModel(store: Store, model: string): Promise<ModelVersion> {
  const current = await loadCurrent(store, checkModelName(model));
  if (current) return current;
  const names = await listModels(store);
  throw new ContrailError(
    'Usage',
    `There is no model ${model}. ${names.length > 0 ? `There is: ${names.join(', ')}.` : 'A promote step, or `contrail models promote <run> --model <name>`, makes one.'}`,
  );
}
