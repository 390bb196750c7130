import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { type TrainingChange, trainingChangesSchema } from '../contracts/training-changes.ts';
import { jsonBytes, parseJson } from './digest.ts';
import type { Store } from './store.ts';

const pathOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/changes.json`;

/** What was changed under a training, in order. @throws ContrailError CorruptArtifact */
export async function loadChanges(store: Store, key: StepKey): Promise<readonly TrainingChange[]> {
  const path = pathOf(key);
  if (!(await store.exists(path))) return [];
  try {
    return trainingChangesSchema.parse(parseJson(await store.read(path)));
  } catch (cause) {
    throw new ContrailError('CorruptArtifact', `${store.locate(path)} is not the list of a training's changes.`, {
      cause,
    });
  }
}

export const saveChanges = (store: Store, key: StepKey, changes: readonly TrainingChange[]): Promise<void> =>
  store.write(pathOf(key), jsonBytes(trainingChangesSchema.parse(changes)));
