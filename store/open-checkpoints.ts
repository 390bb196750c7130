import type { StepKey } from '../contracts/identifiers.ts';
import { adoptCheckpoint, commitCheckpoint } from './add-checkpoint.ts';
import { checkpointFiles, readCheckpoint, readCheckpointManifest } from './checkpoint-files.ts';
import { checkpointFolder, foundIn, manifestsIn, placeOf } from './checkpoint-folder.ts';
import type { Checkpoints } from './checkpoints.ts';
import { loadCheckpoint, newestCheckpoint } from './newest-checkpoint.ts';
import { discardCheckpoints, retainCheckpoints } from './remove-checkpoints.ts';
import type { Store } from './store.ts';

/** The checkpoints of a training. Each call looks at the store; all that is kept in memory is which states were read whole (V1). */
export function openCheckpoints(store: Store, key: StepKey): Checkpoints {
  const at = checkpointFolder(store, key);
  const pinOf = (name: string) => `${placeOf(at, name)}/${checkpointFiles.pinned}`;
  return {
    commit: (lease, checkpoint) => commitCheckpoint(at, lease, checkpoint),
    list: () => manifestsIn(at, { whole: false }),
    names: async () => (await foundIn(at)).map(({ name }) => name),
    newestValid: (options) => newestCheckpoint(at, options),
    load: (name) => loadCheckpoint(at, name),
    verify: async (name) => (await readCheckpoint(store, placeOf(at, name))).manifest,
    retain: (keep) => retainCheckpoints(at, keep),
    discardAfter: (lease, epoch) => discardCheckpoints(at, lease, epoch),
    adopt: (lease, from, name) => adoptCheckpoint(at, lease, checkpointFolder(store, from), name),
    pin: async (name) => {
      await readCheckpointManifest(store, placeOf(at, name));
      await store.write(pinOf(name), new Uint8Array());
    },
    unpin: async (name) => store.remove(pinOf(name)),
  };
}
