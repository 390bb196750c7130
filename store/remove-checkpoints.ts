import { checkpointFiles } from './checkpoint-files.ts';
import { type CheckpointFolder, manifestsIn, placeOf, verifies } from './checkpoint-folder.ts';
import { comparePoints } from './checkpoint-names.ts';
import { assertCurrent, type Lease } from './leases.ts';
import { type Keep, superfluous } from './retention.ts';

/** `Checkpoints.retain`: what the rule does not keep goes, but no damaged one (C4), and not the last two that verify (C5). */
export async function retainCheckpoints(at: CheckpointFolder, keep: Keep): Promise<readonly string[]> {
  await at.store.sweep(at.folder);
  const present = (await manifestsIn(at, { whole: true })).map(({ name, manifest, pinned }) => ({
    name,
    pinned,
    epoch: manifest.epoch,
    step: manifest.step,
    token: manifest.token,
    loss: manifest.metrics?.loss ?? null,
  }));
  const candidates = superfluous(present, keep).reverse();
  if (candidates.length === 0) return [];

  let valid = 0;
  for (const { name } of present.toReversed())
    if (valid < 2 && !candidates.includes(name) && (await verifies(at, name))) valid++;
  const removed: string[] = [];
  for (const name of candidates) {
    // The damaged stay where they are (C4), and as many of the newest as it takes (C5).
    if (!(await verifies(at, name))) continue;
    if (valid < 2) valid++;
    else {
      await remove(at, name);
      removed.push(name);
    }
  }
  return removed.reverse();
}

/** `Checkpoints.discardAfter` */
export async function discardCheckpoints(
  at: CheckpointFolder,
  lease: Lease,
  epoch: number,
): Promise<readonly string[]> {
  await assertCurrent(lease);
  const removed: string[] = [];
  for (const { name, manifest, pinned } of await manifestsIn(at, { whole: true })) {
    if (pinned || comparePoints(manifest, { epoch, step: 0 }) <= 0 || !(await verifies(at, name))) continue;
    await remove(at, name);
    removed.push(name);
  }
  return removed;
}

/** The manifest first: without it there is no checkpoint, whatever else is left. */
async function remove(at: CheckpointFolder, name: string): Promise<void> {
  for (const file of [checkpointFiles.manifest, checkpointFiles.state])
    await at.store.remove(`${placeOf(at, name)}/${file}`);
}
