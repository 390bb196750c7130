import type { StepKey } from '../contracts/identifiers.ts';
import { type TrainingChange, trainingChangesSchema } from '../contracts/training-changes.ts';
import { jsonBytes } from './digest.ts';
import { readJson } from './reading.ts';
import type { Store } from './store.ts';

const pathOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/changes.json`;

/** What was changed under a training, in order. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadChanges(store: Store, key: StepKey): Promise<readonly TrainingChange[]> {
  const changes = await readJson(store, pathOf(key), {
    schema: trainingChangesSchema,
    what: "the list of a training's changes",
    remedy: 'Restore it from a copy, or start a new run.',
  });
  return changes ?? [];
}

export const saveChanges = (store: Store, key: StepKey, changes: readonly TrainingChange[]): Promise<void> =>
  store.write(pathOf(key), jsonBytes(trainingChangesSchema.parse(changes)));
